"""What Django's own pages of the admin show here: buttons, titles, and what a deletion takes along."""

import pytest
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.test import Client

from distribution.models import Assignment, Campaign
from routing.models import Lead
from tests.support.admin_pages import build_world, client_of, person
from tests.support.admin_pages import page as path_of
from tests.support.factories import WorkspaceFactory
from tracing.models import Attempt, LeadDistributionEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def root() -> Client:
    return client_of(User.objects.create_superuser("root"))


def test_history_is_linked_only_where_something_can_happen(root: Client) -> None:
    build_world()
    with_history = {
        model: path_of(model, "history", row.pk)
        in root.get(path_of(model, "change", row.pk)).content.decode()
        for model in (Campaign, Lead, Assignment, Attempt, LeadDistributionEvent)
        for row in [latest(model)]
    }
    assert with_history == {
        Campaign: True,
        Lead: True,
        Assignment: True,
        Attempt: False,
        LeadDistributionEvent: False,
    }


def latest(model: type[Model]) -> Model:
    row: Model = model._default_manager.latest("pk")
    return row


def test_deletion_of_a_group_does_not_list_rows_without_a_name(root: Client) -> None:
    group = Group.objects.get(name="viewer")
    assert group.permissions.exists()
    page = root.get(path_of(Group, "delete", group.pk)).content.decode()
    assert "viewer" in page
    assert "relationship" not in page


def test_deletion_of_users_lists_their_memberships_alone(root: Client) -> None:
    user = person("operator", WorkspaceFactory(name="Sunbelt"))
    answer = root.post(
        path_of(User, "changelist"), {"action": "delete_selected", "_selected_action": [user.pk]}
    )
    page = answer.content.decode()
    assert "in Sunbelt" in page
    assert "relationship" not in page


def test_page_of_an_app_is_titled_with_its_name(root: Client) -> None:
    assert "<h1>Leads and where they come from</h1>" in root.get("/admin/routing/").content.decode()


def test_page_of_an_unknown_app_is_not_found(root: Client) -> None:
    assert root.get("/admin/nothing/").status_code == 404

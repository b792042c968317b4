"""Every page of the admin x a foreign workspace x every role. Generated from the registered pages."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.db import transaction
from django.db.models import Model, QuerySet
from django.forms import ModelChoiceField
from django.test import Client, RequestFactory
from django.urls import reverse
from pytest_django.plugin import DjangoDbBlocker

from routing.access.visibility import visible_workspaces
from routing.models import Membership, RoutingRule, Workspace
from tests.support.admin_pages import MODELS, SCOPED_ROLES, build_world, client_of, page, person
from tests.support.factories import WorkspaceFactory
from tracing.admin.scope import ScopedAdmin

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module", autouse=True)
def worlds(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[tuple[int, int]]:  # noqa: ARG001
    """The workspaces of two worlds, made once: every test rolls back what it writes. They are gone after the module."""
    around = transaction.atomic()
    around._from_testcase = True  # as the one around each test, so that transactions in it may be durable
    with django_db_blocker.unblock(), around:
        yield build_world().pk, build_world().pk
        transaction.set_rollback(True)


@pytest.fixture
def mine(worlds: tuple[int, int]) -> Workspace:
    return Workspace.objects.get(pk=worlds[0])


@pytest.fixture
def foreign(worlds: tuple[int, int]) -> Workspace:
    return Workspace.objects.get(pk=worlds[1])


every_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
every_role = pytest.mark.parametrize("role", SCOPED_ROLES)


def rows_of(model: type[Model], workspace: Workspace) -> set[Any]:
    """The rows of a workspace, found without the code under test: with a superuser's access."""
    registered = admin.site._registry[model]
    assert isinstance(registered, ScopedAdmin)
    request = RequestFactory().get("/")
    request.user = person("viewer", workspace)
    return set(registered.get_queryset(request).values_list("pk", flat=True))


@every_model
def test_page_declares_the_path_to_its_workspace(
    model: type[Model], mine: Workspace, foreign: Workspace
) -> None:
    everything = set(model._default_manager.values_list("pk", flat=True))

    own, others = rows_of(model, mine), rows_of(model, foreign)

    assert own
    assert others
    assert not own & others
    assert everything - own - others <= rows_of_people(model) | rows_of_nobody(model)


def rows_of_people(model: type[Model]) -> set[Any]:
    """Memberships of this test's own users."""
    return set(Membership.objects.values_list("pk", flat=True)) if model is Membership else set()


def rows_of_nobody(model: type[Model]) -> set[Any]:
    """The workspaces that both workspaces' rules lead to."""
    return set(RoutingRule.objects.values_list("destination", flat=True)) if model is Workspace else set()


@every_role
@every_model
def test_foreign_row_does_not_exist(
    model: type[Model], role: str, mine: Workspace, foreign: Workspace
) -> None:
    foreign_rows = rows_of(model, foreign)
    client = client_of(person(role, mine))
    before = list(model._default_manager.order_by("pk").values())

    for pk in foreign_rows:
        for name in ("change", "history", "delete"):
            for answer in (
                client.get(page(model, name, pk)),
                client.post(page(model, name, pk), {"post": "yes", "change_reason": "because"}),
            ):
                assert answer.status_code in {403, 404}, (name, answer.status_code)
        if client.get(page(model, "changelist")).status_code == 200:
            assert client.get(page(model, "change", pk)).status_code == 404
            assert client.get(page(model, "history", pk)).status_code == 404
    assert list(model._default_manager.order_by("pk").values()) == before


@every_role
@every_model
def test_list_shows_only_own_rows(model: type[Model], role: str, mine: Workspace, foreign: Workspace) -> None:
    own, foreign_rows = rows_of(model, mine), rows_of(model, foreign)
    client = client_of(person(role, mine))
    response = client.get(page(model, "changelist"))
    if response.status_code == 403:
        return
    shown = {row.pk for row in response.context["cl"].result_list}

    assert shown
    assert shown <= own | rows_of_people(model)
    assert not shown & foreign_rows
    for each in response.context["cl"].filter_specs:
        offered = {str(choice[0]) for choice in getattr(each, "lookup_choices", ())}
        if "workspace" in str(getattr(each, "field_path", "")):
            assert str(foreign.pk) not in offered
    asked = client.get(page(model, "changelist"), {"q": str(next(iter(foreign_rows)))})
    assert not {row.pk for row in asked.context["cl"].result_list} & foreign_rows


@every_role
@every_model
def test_form_offers_only_own_rows(
    model: type[Model], role: str, mine: Workspace, foreign: Workspace
) -> None:
    client = client_of(person(role, mine))
    for url in (page(model, "add"), page(model, "change", next(iter(rows_of(model, mine))))):
        response = client.get(url)
        if response.status_code != 200:
            continue
        for field in response.context["adminform"].form.fields.values():
            if isinstance(field, ModelChoiceField) and issubclass(field.queryset.model, Model):
                related = field.queryset.model
                if related in MODELS:
                    assert not set(field.queryset.values_list("pk", flat=True)) & rows_of(related, foreign)


AUTOCOMPLETES = [
    (model, name)
    for model in MODELS
    for name in admin.site._registry[model].get_autocomplete_fields(None)  # type: ignore[arg-type]
]


@pytest.mark.parametrize(
    ("model", "field"), AUTOCOMPLETES, ids=[f"{model.__name__}.{name}" for model, name in AUTOCOMPLETES]
)
def test_autocomplete_finds_only_own_rows(
    model: type[Model], field: str, mine: Workspace, foreign: Workspace
) -> None:
    related = model._meta.get_field(field).related_model
    assert isinstance(related, type)
    client = client_of(person("operator", mine))
    name = {"app_label": model._meta.app_label, "model_name": model._meta.model_name, "field_name": field}

    answer = client.get(reverse("admin:autocomplete"), {**name, "term": ""})

    if answer.status_code == 403:
        assert related is User
        return
    found = {row["id"] for row in answer.json()["results"]}
    assert found == {str(pk) for pk in rows_of(related, mine)}
    assert not found & {str(pk) for pk in rows_of(related, foreign)}


@pytest.mark.parametrize("maker", ["superuser", "admin"])
@every_model
def test_full_user_sees_the_row(model: type[Model], maker: str) -> None:
    user = User.objects.create_superuser("root") if maker == "superuser" else person("admin")

    shown = client_of(user).get(page(model, "changelist")).context["cl"].result_list

    assert {row.pk for row in shown} == set(model._default_manager.values_list("pk", flat=True))


@every_role
def test_user_without_workspaces_sees_nothing(role: str) -> None:
    client = client_of(person(role))
    for model in MODELS:
        response = client.get(page(model, "changelist"))
        assert response.status_code == 403 or list(response.context["cl"].result_list) == []


def test_unknown_row_is_a_404() -> None:
    client = client_of(person("admin"))
    for model in MODELS:
        for unknown in ("999999999", "x", "019c1f0e-7c1a-7b7e-9d0a-3f1c2b4a5d6e", "9" * 40):
            assert client.get(page(model, "change", unknown)).status_code == 404, (model, unknown)


def test_visible_workspaces_follow_the_user() -> None:
    mine, _ = WorkspaceFactory(), WorkspaceFactory()
    inactive = person("admin")
    inactive.is_active = False

    assert list(visible_workspaces(person("operator", mine)) or ()) == [mine]
    assert visible_workspaces(person("admin")) is None
    assert visible_workspaces(User.objects.create_superuser("root")) is None
    visible = visible_workspaces(inactive)
    assert isinstance(visible, QuerySet)
    assert not visible.exists()


class TestRoles:
    def test_only_admins_delete_or_manage_users(self) -> None:
        for role in SCOPED_ROLES:
            codes = set(Group.objects.get(name=role).permissions.values_list("codename", flat=True))
            assert not {code for code in codes if code.endswith(("_user", "_group", "_membership"))}
        viewer = set(Group.objects.get(name="viewer").permissions.values_list("codename", flat=True))
        assert {code.split("_")[0] for code in viewer} == {"view"}

    def test_money_belongs_to_finance(self) -> None:
        for code in ("add_ledgerentry", "change_wallet", "change_assignment"):
            groups = set(Group.objects.filter(permissions__codename=code).values_list("name", flat=True))
            assert groups == {"finance", "admin"}
        acting = set(Group.objects.filter(permissions__codename="change_lead").values_list("name", flat=True))
        assert acting == {"operator", "admin"}

    def test_permissions_are_django_s_own(self) -> None:
        """A migration creates them before Django does: each must exist once, under Django's name."""
        names = list(Permission.objects.values_list("content_type_id", "codename"))
        assert len(names) == len(set(names))
        assert Permission.objects.get(codename="change_wallet").name == "Can change wallet"

    def test_admin_cannot_create_superusers(self) -> None:
        """An admin who could create superusers could get every permission."""
        root = User.objects.create_superuser("root")
        admin_person, clerk = person("admin"), User.objects.create_user("clerk", password="x")
        client = client_of(admin_person)

        assert client.get(page(User, "change", root.pk)).status_code == 404
        data = {
            "username": "clerk",
            "is_superuser": "on",
            "is_active": "on",
            "user_permissions": [str(Permission.objects.all()[0].pk)],
            "date_joined_0": "2026-01-01",
            "date_joined_1": "00:00:00",
            **{f"memberships-{name}": value for name, value in EMPTY_FORMSET.items()},
        }
        assert client.post(page(User, "change", clerk.pk), data).status_code == 302

        clerk.refresh_from_db()
        assert not clerk.is_superuser
        assert not clerk.user_permissions.exists()

    def test_viewer_writes_nothing(self) -> None:
        mine = build_world()
        client: Client = client_of(person("viewer", mine))
        for model in MODELS:
            pk = next(iter(rows_of(model, mine)))
            for url in (page(model, "add"), page(model, "change", pk), page(model, "delete", pk)):
                assert client.post(url, {"post": "yes"}).status_code == 403, url


EMPTY_FORMSET = {"TOTAL_FORMS": "0", "INITIAL_FORMS": "0", "MIN_NUM_FORMS": "0", "MAX_NUM_FORMS": "1000"}

"""The page of calling hours: superusers change them for every workspace, and other people do not see it."""

from datetime import UTC, datetime, time

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.urls import reverse

from distribution.models import CallingHours, Verification
from tests.support.admin_pages import client_of, form_of, page, person, problems, save
from tests.support.factories import VerificationFactory, WorkspaceFactory
from tracing.models import AuditEntry

pytestmark = pytest.mark.django_db


@pytest.fixture
def root() -> Client:
    return client_of(User.objects.create_superuser("root"))


def florida() -> CallingHours:
    return CallingHours.objects.get(country="US", state="FL")


def test_list_says_what_is_allowed_where_and_why(root: Client) -> None:
    answer = root.get(page(CallingHours, "changelist"))
    shown = answer.content.decode()
    assert [row.state for row in answer.context["cl"].result_list][:3] == ["", "AK", "AL"]
    for text in (
        "United States: every state",
        "8 am to 9 pm",
        "Florida",
        "8 am to 8 pm",
        "Fla. Stat. 501.616(6)",
    ):
        assert text in shown


def test_every_field_says_what_to_put_there(root: Client) -> None:
    for url in (page(CallingHours, "add"), page(CallingHours, "change", florida().pk)):
        form = root.get(url).context["adminform"].form
        assert [name for name, field in form.fields.items() if not field.help_text] == []
    assert "no legal advice" in root.get(page(CallingHours, "add")).content.decode()


def test_change_is_stored_with_who_and_why(root: Client) -> None:
    row = florida()
    assert save(root, CallingHours, row, closes="19:00", change_reason="new law").status_code == 302

    assert florida().closes == time(19)
    entry = AuditEntry.objects.get(model="distribution.callinghours")
    assert (entry.actor, entry.action, entry.reason, entry.workspace_id) == (
        "root",
        "changed",
        "new law",
        None,
    )
    assert (entry.before, entry.after) == ({"closes": "20:00:00"}, {"closes": "19:00:00"})


@pytest.mark.parametrize(
    "wider",
    [{"opens": "06:00"}, {"closes": "21:00"}, {"calls_on_holidays": "on"}, {"most_calls_per_day": ""}],
)
def test_hours_that_allow_more_need_a_reason(root: Client, wider: dict[str, str]) -> None:
    row = florida()
    CallingHours.objects.filter(pk=row.pk).update(calls_on_holidays=False, most_calls_per_day=3)

    assert problems(save(root, CallingHours, row, **wider)) == {
        "change_reason": [
            "These hours allow more calls than before. Say why, and check the source and the date."
        ]
    }
    assert save(root, CallingHours, row, **wider, change_reason="new law").status_code == 302


def test_hours_that_allow_less_need_no_reason(root: Client) -> None:
    assert save(root, CallingHours, florida(), opens="09:00", closes="19:00").status_code == 302


def test_change_wakes_what_waits_for_it(root: Client) -> None:
    later = datetime(2099, 1, 1, tzinfo=UTC)
    parked = VerificationFactory(due_at=later, reason="outside_calling_hours")
    save(root, CallingHours, florida(), opens="07:00", change_reason="new law")
    assert Verification.objects.get(pk=parked.pk).due_at != later


def test_row_is_added_and_deleted_with_an_entry(root: Client) -> None:
    new = {
        **form_of(root, page(CallingHours, "add")),
        "country": "CA",
        "state": "ON",
        "opens": "09:00",
        "closes": "21:00",
        "source": "a page",
        "checked_on": "2026-11-30",
        "change_reason": "we sell in Ontario",
    }
    assert root.post(page(CallingHours, "add"), new).status_code == 302
    row = CallingHours.objects.get(country="CA")
    deletion = {"post": "yes", "change_reason": "not any more"}
    assert root.post(page(CallingHours, "delete", row.pk), deletion).status_code == 302

    assert not CallingHours.objects.filter(country="CA").exists()
    entries = AuditEntry.objects.filter(model="distribution.callinghours").order_by("pk")
    assert [(entry.action, entry.reason) for entry in entries] == [
        ("added", "we sell in Ontario"),
        ("deleted", "not any more"),
    ]


def test_refused_form_says_what_to_do(root: Client) -> None:
    assert problems(save(root, CallingHours, florida(), closes="07:00")) == {
        "__all__": ["It must open before it closes."]
    }
    assert problems(save(root, CallingHours, florida(), state="GA")) == {
        "__all__": ["This place has its hours already. Change that row."]
    }
    assert florida().closes == time(20)


@pytest.mark.parametrize("role", ["viewer", "operator", "finance", "admin"])
def test_others_do_not_see_the_page(role: str) -> None:
    client = client_of(person(role, WorkspaceFactory()))
    before = list(CallingHours.objects.order_by("pk").values())
    pages = [page(CallingHours, "changelist"), page(CallingHours, "add")]
    pages += [page(CallingHours, name, florida().pk) for name in ("change", "delete", "history")]

    for url in pages:
        typed = {"post": "yes", "change_reason": "because", "closes": "23:00"}
        assert {client.get(url).status_code, client.post(url, typed).status_code} <= {403, 404}

    assert page(CallingHours, "changelist") not in client.get(reverse("admin:index")).content.decode()
    assert list(CallingHours.objects.order_by("pk").values()) == before


def test_permission_of_a_group_is_not_enough() -> None:
    user = person("admin", WorkspaceFactory())
    group = Group.objects.create(name="callers")
    group.permissions.set(Permission.objects.filter(codename__endswith="_callinghours"))
    user.groups.add(group)
    assert client_of(user).get(page(CallingHours, "change", florida().pk)).status_code == 403

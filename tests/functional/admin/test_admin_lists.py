"""Attempts, events and the ledger by workspace, kind, buyer and day, in an order that is paged by key."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from uuid6 import uuid7

from distribution.models import Assignment, Buyer, LedgerEntry
from routing.models import Workspace
from tests.support.admin_pages import build_world, client_of, page, person
from tests.support.factories import BuyerFactory, WorkspaceFactory, give_credits
from tracing.models import Attempt, LeadDistributionEvent

pytestmark = pytest.mark.django_db
OF_A_WORKSPACE = (Attempt, LeadDistributionEvent, LedgerEntry)
every_list = pytest.mark.parametrize("model", OF_A_WORKSPACE, ids=lambda model: model.__name__)


@pytest.fixture
def client() -> Client:
    return client_of(User.objects.create_superuser("root"))


def shown(client: Client, model: type[Model], **filters: object) -> list[Any]:
    query = {name: str(value) for name, value in filters.items()}
    answer = client.get(page(model, "changelist"), query)
    assert answer.status_code == 200, query
    return list(answer.context["cl"].result_list)


def workspace_of(row: Any) -> int | None:
    if isinstance(row, LedgerEntry):
        return row.wallet.buyer.workspace_id
    attempt = row if isinstance(row, Attempt) else Attempt.objects.get(pk=row.attempt_id)
    return attempt.destination_workspace_id


@every_list
def test_list_is_filtered_by_workspace(model: type[Model], client: Client) -> None:
    one, other = build_world(), build_world()
    for workspace in (one, other):
        rows = shown(client, model, workspace=workspace.pk)
        assert rows
        assert {workspace_of(row) for row in rows} == {workspace.pk}
    assert len(shown(client, model)) == 2 * len(rows)
    for junk in ("0", "x", "9" * 40, WorkspaceFactory().pk):
        assert shown(client, model, workspace=junk) == []


@every_list
@pytest.mark.parametrize("role", ["viewer", "finance"])
def test_only_own_workspaces_are_offered_and_shown(model: type[Model], role: str) -> None:
    mine, foreign = build_world(), build_world()
    client = client_of(person(role, mine))

    answer = client.get(page(model, "changelist"))
    [offered] = [each for each in answer.context["cl"].filter_specs if each.title == "workspace"]

    assert offered.lookup_choices == [(str(mine.pk), mine.name)]
    assert {workspace_of(row) for row in shown(client, model)} == {mine.pk}
    assert shown(client, model, workspace=foreign.pk) == []
    assert foreign.name not in answer.content.decode()


@every_list
def test_filter_costs_the_same_for_any_number_of_workspaces(model: type[Model], client: Client) -> None:
    workspace = build_world()
    client.get(page(model, "changelist"))
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as captured:
            shown(client, model, workspace=workspace.pk)
        counts.append(len(captured))
        assert not [each["sql"] for each in captured if "COUNT(" in each["sql"]]
        build_world()
        build_world()

    assert counts[0] == counts[1]


def new_event(attempt: UUID, seq: int) -> LeadDistributionEvent:
    return LeadDistributionEvent.objects.create(lead_id=1, attempt_id=attempt, seq=seq, event="buyer_skipped")


def test_events_are_paged_by_attempt_and_step(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest attempt first, although an older one wrote its events last."""
    older, newer = uuid7(), uuid7()
    of_newer = [new_event(newer, seq) for seq in (1, 2, 3)]
    of_older = [new_event(older, seq) for seq in (1, 2, 3, 4)]
    expected = [*reversed(of_newer), *reversed(of_older)]
    monkeypatch.setattr(admin.site._registry[LeadDistributionEvent], "list_per_page", 3)
    url = page(LeadDistributionEvent, "changelist")

    first = client.get(url).context["cl"]
    second = client.get(url + first.older_url).context["cl"]
    third = client.get(url + second.older_url).context["cl"]
    back = client.get(url + third.newer_url).context["cl"]

    pages = [list(each.result_list) for each in (first, second, third)]
    assert pages == [expected[:3], expected[3:6], expected[6:]]
    assert (first.newer_url, third.older_url) == ("", "")
    assert list(back.result_list) == expected[3:6]
    assert shown(client, LeadDistributionEvent, older_than=10**15) == []
    assert shown(client, LeadDistributionEvent, newer_than=10**15) == []


class TestLedger:
    def test_entries_are_filtered_by_kind(self, client: Client) -> None:
        build_world()
        assert [each.kind for each in shown(client, LedgerEntry, kind__exact="topup")] == ["topup"]
        assert [each.kind for each in shown(client, LedgerEntry, kind__exact="charge")] == ["charge"]
        assert shown(client, LedgerEntry, kind__exact="refund") == []

    def test_by_a_part_of_a_buyers_name(self, client: Client) -> None:
        peach, night = (
            give_credits(BuyerFactory(name=name), amount_cents=5)
            for name in ("Peachtree Roofing", "Night Owl Roofing")
        )

        assert shown(client, LedgerEntry, q="peachTREE") == [peach]
        assert shown(client, LedgerEntry, q="roofing") == [night, peach]
        assert shown(client, LedgerEntry, q=peach.idempotency_key) == [peach]
        assert shown(client, LedgerEntry, q=peach.wallet.buyer.public_id) == [peach]
        for junk in ("nothing-like-it", "%", "_"):
            assert shown(client, LedgerEntry, q=junk) == []

    def test_by_what_was_sold(self, client: Client) -> None:
        build_world()
        assignment = Assignment.objects.get()
        [entry] = shown(client, LedgerEntry, q=assignment.public_id)
        assert (entry.kind, entry.assignment) == ("charge", assignment)

    def test_another_agencys_buyer_is_not_found(self) -> None:
        mine, foreign = build_world(), build_world()
        client = client_of(person("finance", mine))
        for buyer in Buyer.objects.filter(workspace=foreign):
            for text in (buyer.name, buyer.public_id):
                assert not {workspace_of(row) for row in shown(client, LedgerEntry, q=text)} - {mine.pk}
        sold = Assignment.objects.get(buyer__workspace=foreign)
        assert shown(client, LedgerEntry, q=sold.public_id) == []

    def test_entries_are_filtered_by_day(self, client: Client) -> None:
        """Includes an entry at midnight, and one whose transaction began before that of an entry with a lower id."""
        buyer, midnight = BuyerFactory(), datetime(2026, 3, 8, tzinfo=UTC)
        moments = {
            "before": midnight - timedelta(seconds=1),
            "late": midnight + timedelta(minutes=30),
            "first": midnight,
            "last": midnight + timedelta(days=1, microseconds=-1),
            "after": midnight + timedelta(days=1),
            "much later": midnight + timedelta(days=9),
        }
        rows = {name: new_entry(buyer, at=at) for name, at in moments.items()}
        today = new_entry(buyer, at=timezone.now())

        expected = [rows["last"], rows["first"], rows["late"]]
        assert shown(client, LedgerEntry, day="2026-03-08") == expected
        assert shown(client, LedgerEntry, day="2026-03-07") == [rows["before"]]
        assert shown(client, LedgerEntry, day="2026-03-09") == [rows["after"]]
        assert shown(client, LedgerEntry, day="2026-03-08", workspace=buyer.workspace_id) == expected
        assert shown(client, LedgerEntry, day="2026-03-08", workspace=WorkspaceFactory().pk) == []
        assert shown(client, LedgerEntry, day="today") == shown(client, LedgerEntry, day="week") == [today]
        for junk in ("2026-01-01", "x", "9999-12-31", "0001-01-01"):
            assert shown(client, LedgerEntry, day=junk) == []

    def test_day_is_paged_by_key(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        buyer, noon = BuyerFactory(), datetime(2026, 3, 8, 12, tzinfo=UTC)
        rows = [new_entry(buyer, at=noon) for _ in range(4)]
        new_entry(buyer, at=timezone.now())
        monkeypatch.setattr(admin.site._registry[LedgerEntry], "list_per_page", 3)
        url = page(LedgerEntry, "changelist")

        first = client.get(url, {"day": "2026-03-08"}).context["cl"]
        second = client.get(url + first.older_url).context["cl"]

        assert list(first.result_list) == rows[:0:-1]
        assert (list(second.result_list), second.older_url) == (rows[:1], "")


def new_entry(buyer: Buyer, *, at: datetime) -> LedgerEntry:
    return LedgerEntry.objects.create(
        wallet=buyer.wallet,
        kind="topup",
        amount_cents=1,
        balance_after_cents=1,
        idempotency_key=str(uuid7()),
        actor="root",
        created_at=at,
    )


def test_names_of_workspaces_are_the_users_own() -> None:
    """The hook that filters call."""
    from routing.access.visibility import name_visible_workspaces

    one, other = WorkspaceFactory(name="b"), WorkspaceFactory(name="a")
    root = User.objects.create_superuser("root")
    assert name_visible_workspaces(root) == ((other.pk, "a"), (one.pk, "b"))
    assert name_visible_workspaces(person("viewer", one)) == ((one.pk, "b"),)
    assert name_visible_workspaces(User.objects.create_user("outsider")) == ()
    assert Workspace.objects.count() == 2

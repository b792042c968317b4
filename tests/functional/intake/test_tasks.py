"""The Celery tasks, called as functions: ids in, leads distributed, wake-ups sent."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import distribution.tasks
import routing.dispatch.enqueue
from distribution.models import Assignment, Campaign
from distribution.tasks import LEADS_PER_PICKER, MAX_PICKERS, PICK_UP, PROCESS, pick_up_due, process_leads
from distribution.verify import run_verification
from routing.models import Lead, Source
from tests.support.blocking import holding
from tests.support.factories import CampaignFactory, LeadFactory, SourceFactory, enroll

pytestmark = pytest.mark.usefixtures("committed_db")

HOLD_WALLETS = "SELECT 1 FROM distribution_wallet FOR UPDATE"


@pytest.fixture
def source() -> Source:
    campaign = CampaignFactory()
    enroll(campaign, count=1, credits_cents=1_000_000)
    return SourceFactory(workspace=campaign.workspace)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """The messages that would have gone to the broker (`task_always_eager` does not cover `send_task`)."""
    messages: list[tuple[str, dict[str, Any]]] = []
    for module in (distribution.tasks, routing.dispatch.enqueue):
        monkeypatch.setattr(module, "send_wake", lambda task, **options: messages.append((task, options)))
    return messages


def statuses() -> list[str]:
    return list(Lead.objects.order_by("id").values_list("status", flat=True))


def test_leads_are_processed_once_however_often_they_are_named(source: Source, sent: list[Any]) -> None:
    """Duplicates, old messages and unknown ids are harmless."""
    leads = [LeadFactory(source=source).pk for _ in range(3)]

    process_leads([*leads, leads[0], 0])
    process_leads(leads)

    assert statuses() == ["distributed"] * 3
    assert Assignment.objects.count() == 3
    assert sent == []
    assert run_verification().holds


def test_conflict_gets_a_wake_up_at_its_end(source: Source, sent: list[Any]) -> None:
    lead = LeadFactory(source=source)

    with holding(HOLD_WALLETS):
        process_leads([lead.pk])

    [(task, options)] = sent
    assert (task, options["args"]) == (PROCESS, [[lead.pk]])
    assert 0 <= options["countdown"] < 0.2  # a few seconds at most; longer waits are in the database
    lead.refresh_from_db()
    assert (lead.status, lead.due_reason) == ("pending", "tier_lock_contention")


def test_long_wait_is_left_to_the_database(source: Source, sent: list[Any]) -> None:
    lead = LeadFactory(source=source, attempts=12, conflicts=12)

    with holding(HOLD_WALLETS):
        process_leads([lead.pk])

    lead.refresh_from_db()
    assert lead.next_attempt_at > datetime.now(UTC) + timedelta(seconds=10)
    assert sent == []


def test_deferred_and_parked_leads_get_no_wake_up(source: Source, sent: list[Any]) -> None:
    in_two_days = (datetime.now(UTC) + timedelta(days=2)).strftime("%a").lower()
    Campaign.objects.update(schedule={in_two_days: [["12:00", "13:00"]]})
    deferred = LeadFactory(source=source)
    homeless = LeadFactory()

    process_leads([deferred.pk, homeless.pk])

    assert statuses() == ["pending", "failed"]
    assert sent == []


def test_pick_up_starts_only_due_leads(source: Source, sent: list[Any]) -> None:
    now = datetime.now(UTC)
    due = [LeadFactory(source=source, received_at=now - timedelta(minutes=minutes)) for minutes in (3, 1, 2)]
    later = LeadFactory(source=source, next_attempt_at=now + timedelta(hours=1))
    paused = LeadFactory()
    paused.workspace.paused_at = now
    paused.workspace.save()

    pick_up_due()

    assert statuses() == ["distributed"] * 3 + ["pending"] * 2
    order = list(Assignment.objects.order_by("id").values_list("lead_id", flat=True))
    assert order == [due[0].pk, due[2].pk, due[1].pk]
    assert sent == []
    later.refresh_from_db()
    assert later.attempts == 0


def test_picker_ends_after_one_period(source: Source, sent: list[Any], settings: Any) -> None:
    """However many leads are due: the next period starts the next picker."""
    settings.LEADSWITCH_PICKUP_PERIOD_SECONDS = 0
    LeadFactory(source=source)

    pick_up_due()

    assert statuses() == ["pending"]
    assert sent == []


@pytest.mark.parametrize(
    ("backlog", "pickers"),
    [(0, 0), (LEADS_PER_PICKER - 1, 0), (LEADS_PER_PICKER, 1), (LEADS_PER_PICKER * 2, 2), (1_000, 3)],
)
def test_backlog_calls_more_pickers(
    source: Source, sent: list[Any], settings: Any, backlog: int, pickers: int
) -> None:
    settings.LEADSWITCH_PICKUP_PERIOD_SECONDS = 0
    Lead.objects.bulk_create(LeadFactory.build_batch(backlog, source=source, workspace=source.workspace))

    pick_up_due()
    called = list(sent)
    pick_up_due(is_first=False)

    assert called == [(PICK_UP, {"kwargs": {"is_first": False}, "expires": 0})] * pickers
    assert sent == called  # a helper starts no others: pickers cannot multiply
    assert pickers < MAX_PICKERS

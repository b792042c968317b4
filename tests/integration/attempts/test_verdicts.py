"""After a rolled back attempt no part of the sale remains, only its verdict from a separate connection."""

import logging
from collections.abc import Iterator
from functools import partial
from threading import Thread
from typing import Any

import pytest
from django.db import connection, connections
from django.db.utils import OperationalError

from distribution import locks
from distribution.attempts import decide_under_lock, distribute
from distribution.attempts import sell as sale
from distribution.attempts.distribute import distribute_lead
from distribution.attempts.outcome import AttemptOutcome, NotRun
from distribution.attempts.rollback import CONNECTION
from distribution.metrics import VERDICT_FAILURES
from distribution.models import Assignment, Campaign, CampaignSnapshot, Enrollment, LedgerEntry, Wallet
from distribution.verify import run_verification
from routing.models import Lead, LeadStatus
from tests.support.factories import CampaignFactory, LeadFactory, SourceFactory, enroll
from tests.support.racing import open_transaction, race
from tracing.models import Attempt, LeadDistributionEvent

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture
def campaign(monkeypatch: pytest.MonkeyPatch) -> Campaign:
    monkeypatch.setattr(locks, "LONGEST_WAIT_MS", 10)
    campaign: Campaign = CampaignFactory(price_cents=1_000)
    enroll(campaign, count=1, credits_cents=10_000)
    return campaign


@pytest.fixture
def lead(campaign: Campaign) -> Lead:
    lead: Lead = LeadFactory(source=SourceFactory(workspace=campaign.workspace))
    return lead


def distribute_while_all_are_busy(lead: Lead) -> AttemptOutcome:
    with open_transaction(lambda: list(Enrollment.objects.select_for_update(no_key=True))):
        return distribute_lead(lead.pk)


def assert_nothing_was_sold() -> None:
    assert Assignment.objects.count() == 0
    assert LedgerEntry.objects.exclude(kind="topup").count() == 0
    assert Wallet.objects.get().balance_cents == 10_000
    assert Enrollment.objects.get().day_leads == 0


def test_contention_leaves_a_verdict_and_a_complete_trace(lead: Lead) -> None:
    outcome = distribute_while_all_are_busy(lead)
    assert (outcome.result, outcome.skip_reason, outcome.is_traced) == ("retry", "tier_lock_contention", True)
    lead.refresh_from_db()
    assert (lead.status, lead.attempts, lead.due_reason) == (LeadStatus.PENDING, 1, "tier_lock_contention")
    assert lead.next_attempt_at == outcome.next_attempt_at
    written = Attempt.objects.get()
    assert (written.id, written.result, written.transient) == (outcome.attempt_id, "retry", True)
    events = LeadDistributionEvent.objects.order_by("seq").values_list("event", "skip_reason")
    assert list(events) == [
        ("distribution_started", ""),
        ("campaign_resolved", ""),
        ("pricing_computed", ""),
        ("buyer_pool_composed", ""),
        ("buyer_skipped", "locked"),
        ("failed", "tier_lock_contention"),
    ]
    # The rollback removed the snapshot of this first attempt, and the verdict wrote it again.
    assert CampaignSnapshot.objects.get().config_version == written.config_version
    assert_nothing_was_sold()
    assert run_verification().holds


def break_after_the_charge(monkeypatch: pytest.MonkeyPatch, *, error: Exception | None) -> None:
    """Money has moved, then the attempt fails: by an exception of ours, or by one that aborts the transaction."""
    sell = sale.sell

    def sell_and_fail(*positional: Any, **named: Any) -> Any:
        sell(*positional, **named)
        if error is not None:
            raise error
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")

    monkeypatch.setattr(decide_under_lock, "sell", sell_and_fail)


@pytest.mark.parametrize("error", [ValueError("of ours"), None], ids=["python", "database"])
def test_failure_after_the_charge_undoes_the_charge(
    lead: Lead, monkeypatch: pytest.MonkeyPatch, error: Exception | None
) -> None:
    break_after_the_charge(monkeypatch, error=error)
    outcome = distribute_lead(lead.pk)
    assert (outcome.result, outcome.skip_reason, outcome.is_traced) == ("retry", "internal_error", True)
    lead.refresh_from_db()
    assert (lead.status, lead.skip_reason, lead.attempts) == (LeadStatus.PENDING, "internal_error", 1)
    assert (lead.errors, lead.conflicts) == (1, 0)
    last = LeadDistributionEvent.objects.order_by("seq").last()
    assert last is not None
    assert (last.event, last.data["cause"]) == ("failed", "ValueError" if error else "DataError")
    assert_nothing_was_sold()
    assert run_verification().holds


@pytest.fixture
def _verdict_down() -> Iterator[None]:
    """The verdict's connection cannot be opened."""
    verdict = connections[CONNECTION]
    verdict.close()
    host = verdict.settings_dict["HOST"]
    verdict.settings_dict["HOST"] = "/nonexistent"
    yield
    verdict.settings_dict["HOST"] = host
    verdict.close()


@pytest.mark.usefixtures("_verdict_down")
def test_outcome_is_reported_if_the_verdict_cannot_be_written(
    lead: Lead, caplog: pytest.LogCaptureFixture
) -> None:
    """The lead keeps its due time, so the next try starts it."""
    counted = VERDICT_FAILURES.labels(cause="OperationalError")._value.get()
    with caplog.at_level(logging.WARNING):
        outcome = distribute_while_all_are_busy(lead)
    assert (outcome.result, outcome.skip_reason, outcome.is_traced) == (
        "retry",
        "tier_lock_contention",
        False,
    )
    assert [each.getMessage() for each in caplog.records] == ["distribution.verdict_not_written"]
    assert VERDICT_FAILURES.labels(cause="OperationalError")._value.get() == counted + 1
    due_at = lead.next_attempt_at
    lead.refresh_from_db()
    assert (lead.status, lead.attempts, lead.next_attempt_at) == (LeadStatus.PENDING, 0, due_at)
    assert_nothing_was_sold()
    assert distribute_lead(lead.pk).result == "success"
    assert run_verification().holds


@pytest.mark.usefixtures("_verdict_down")
def test_failure_of_ours_is_not_hidden_by_the_verdict_s(lead: Lead, monkeypatch: pytest.MonkeyPatch) -> None:
    break_after_the_charge(monkeypatch, error=ValueError("of ours"))
    outcome = distribute_lead(lead.pk)
    assert (outcome.result, outcome.skip_reason, outcome.is_traced) == ("retry", "internal_error", False)
    assert_nothing_was_sold()


def test_lead_taken_by_another_worker_before_the_verdict_stays_with_it(
    lead: Lead, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_verdict = distribute.write_verdict

    def overtaken(*positional: Any, **named: Any) -> AttemptOutcome:
        monkeypatch.setattr(decide_under_lock, "sell", sale.sell)
        (other,) = race([partial(distribute_lead, lead.pk)])
        assert other.result == "success"
        return write_verdict(*positional, **named)

    break_after_the_charge(monkeypatch, error=ValueError("of ours"))
    monkeypatch.setattr(distribute, "write_verdict", overtaken)
    assert distribute_lead(lead.pk).not_run is NotRun.BUSY
    lead.refresh_from_db()
    assert (lead.status, lead.attempts) == (LeadStatus.DISTRIBUTED, 1)
    assert Attempt.objects.count() == 1
    assert run_verification().holds


def test_lost_connection_is_raised_and_leaves_the_lead_due(
    lead: Lead, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No verdict, because the state of the database is unknown. The lead is unchanged."""
    sell = sale.sell

    def end_session(pid: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])
        connection.close()

    def sell_without_server(*positional: Any, **named: Any) -> Any:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (pid,) = cursor.fetchone()
        thread = Thread(target=end_session, args=[pid])
        thread.start()
        thread.join()
        return sell(*positional, **named)

    with monkeypatch.context() as patch:
        patch.setattr(decide_under_lock, "sell", sell_without_server)
        with pytest.raises(OperationalError):
            distribute_lead(lead.pk)
    connection.close()
    lead.refresh_from_db()
    assert (lead.status, lead.attempts) == (LeadStatus.PENDING, 0)
    assert_nothing_was_sold()
    assert Attempt.objects.count() == 0
    assert distribute_lead(lead.pk).result == "success"
    assert run_verification().holds

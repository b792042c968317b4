"""After an attempt rolled back, only its verdict remains, with a trace, and the lead has a next state."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

import distribution.attempts.decide_under_lock
import distribution.attempts.distribute
from distribution.attempts.distribute import distribute_lead, distribute_next_due
from distribution.models import Assignment, Campaign, CampaignSnapshot, Enrollment, LedgerEntry, Wallet
from distribution.verify import run_verification
from routing.models import Lead
from tests.support.blocking import another_connection, holding, short_lock_timeout
from tests.support.factories import CampaignFactory, LeadFactory, SourceFactory, enroll
from tests.support.race_leads import store_snapshot
from tests.support.waiting import wait_until_blocked
from tracing.models import Attempt, LeadDistributionEvent

pytestmark = pytest.mark.usefixtures("committed_db")

HOLD_WALLETS = "SELECT 1 FROM distribution_wallet FOR UPDATE"
HOLD_BUYERS = "SELECT 1 FROM distribution_buyer FOR UPDATE"
HOLD_LEAD = "SELECT 1 FROM routing_lead WHERE id = %s FOR UPDATE"


@pytest.fixture
def lead() -> Lead:
    """Due for a campaign with two buyers that both match."""
    campaign = CampaignFactory()
    enroll(campaign, count=2, credits_cents=10_000)
    return LeadFactory(source=SourceFactory(workspace=campaign.workspace))


def money_and_counters() -> tuple[Any, ...]:
    models = (Wallet, LedgerEntry, Enrollment, Assignment)
    return tuple(list(model.objects.order_by("pk").values()) for model in models)


def list_events(attempt_id: Any) -> list[tuple[str, str]]:
    rows = LeadDistributionEvent.objects.filter(attempt_id=attempt_id).order_by("seq")
    return list(rows.values_list("event", "skip_reason"))


def test_lead_is_retried_when_every_candidate_is_busy(lead: Lead) -> None:
    """TierLockContention: rolled back, traced with the whole pool, due again soon, and then sold."""
    before = money_and_counters()

    with holding(HOLD_WALLETS):
        outcome = distribute_lead(lead.pk)

    assert (outcome.result, outcome.skip_reason, outcome.is_traced) == ("retry", "tier_lock_contention", True)
    assert list_events(outcome.attempt_id) == [
        ("distribution_started", ""),
        ("campaign_resolved", ""),
        ("pricing_computed", ""),
        ("buyer_pool_composed", ""),
        ("buyer_skipped", "locked"),
        ("buyer_skipped", "locked"),
        ("failed", "tier_lock_contention"),
    ]
    assert money_and_counters() == before
    lead.refresh_from_db()
    assert (lead.status, lead.attempts, lead.due_reason) == ("pending", 1, "tier_lock_contention")
    again = distribute_lead(lead.pk, at=lead.next_attempt_at)
    assert again.result == "success"
    assert Attempt.objects.get(pk=again.attempt_id).number == 2
    assert Attempt.objects.get(pk=again.attempt_id).trigger == "retry"
    assert run_verification().holds


def test_snapshot_outlives_the_rollback(lead: Lead) -> None:
    """The first attempt of a version has a conflict, and no other attempt ever uses the version."""
    with holding(HOLD_WALLETS):
        first = distribute_lead(lead.pk)
    Campaign.objects.update(price_cents=1)
    lead.refresh_from_db()
    second = distribute_lead(lead.pk, at=lead.next_attempt_at)

    versions = [Attempt.objects.get(pk=each.attempt_id).config_version for each in (first, second)]
    assert versions[1] == versions[0] + 1
    kept = CampaignSnapshot.objects.order_by("config_version").values_list("config_version", flat=True)
    assert list(kept) == versions
    assert run_verification().holds


def test_lock_timeout_at_the_commit_is_retried(lead: Lead) -> None:
    """55P03. Foreign keys are checked at the commit: the decision and its end were recorded, then rolled back."""
    before = money_and_counters()

    with short_lock_timeout(), holding(HOLD_BUYERS):
        outcome = distribute_lead(lead.pk)

    assert (outcome.result, outcome.skip_reason, outcome.is_traced) == ("retry", "database_timeout", True)
    assert list_events(outcome.attempt_id) == [
        ("distribution_started", ""),
        ("campaign_resolved", ""),
        ("failed", "database_timeout"),
    ]
    assert money_and_counters() == before
    assert run_verification().holds


def test_deadlock_is_retried(lead: Lead, monkeypatch: pytest.MonkeyPatch) -> None:
    """40P01, for real: the other session locks buyers, then the lead. This attempt locks the lead, then buyers."""
    store_snapshot(lead.workspace.campaigns.get())
    before = money_and_counters()
    real = distribution.attempts.distribute.decide_and_sell

    with holding(HOLD_BUYERS) as other, another_connection() as observer, ThreadPoolExecutor(1) as pool:
        other.cursor().execute(
            "SET deadlock_timeout = '60s'"
        )  # so that this session finds the deadlock and ends

        def let_them_want_the_lead(*arguments: Any, **options: Any) -> Any:
            theirs.append(pool.submit(lock_and_let_go, other, lead.pk))
            wait_until_blocked(observer)
            return real(*arguments, **options)

        theirs: list[Future[None]] = []
        monkeypatch.setattr(distribution.attempts.distribute, "decide_and_sell", let_them_want_the_lead)
        outcome = distribute_lead(lead.pk)
        [theirs_done] = theirs
        theirs_done.result(timeout=30)

    assert (outcome.result, outcome.skip_reason, outcome.is_traced) == ("retry", "tier_lock_contention", True)
    cause = LeadDistributionEvent.objects.filter(attempt_id=outcome.attempt_id).latest("seq").data["cause"]
    assert cause == "OperationalError"
    assert money_and_counters() == before
    assert run_verification().holds


def lock_and_let_go(other: BaseDatabaseWrapper, lead_id: int) -> None:
    """Granted when the server has ended the attempt that holds the lead."""
    with other.wrap_database_errors:
        assert other.connection is not None
        other.connection.execute("SET LOCAL lock_timeout = '30s'")
        other.connection.execute(HOLD_LEAD, [lead_id])
        other.connection.rollback()


def test_configuration_that_does_not_compile_needs_a_person(lead: Lead) -> None:
    """Retrying it would never end. The next lead of a corrected campaign is sold."""
    Campaign.objects.update(mode="by_favor")

    outcome = distribute_lead(lead.pk)

    assert (outcome.result, outcome.skip_reason, outcome.is_traced) == ("failed", "internal_error", True)
    terminal = LeadDistributionEvent.objects.filter(attempt_id=outcome.attempt_id).latest("seq")
    assert terminal.data == {"cause": "DefinitionError", "due_at": None}
    lead.refresh_from_db()
    assert (lead.status, lead.next_attempt_at, lead.skip_reason) == ("failed", None, "internal_error")
    assert not CampaignSnapshot.objects.exists()
    Campaign.objects.update(mode="price")
    assert distribute_lead(LeadFactory(source=lead.source).pk).result == "success"
    assert run_verification().holds


def test_failure_after_the_sale_undoes_the_sale(lead: Lead, monkeypatch: pytest.MonkeyPatch) -> None:
    before = money_and_counters()

    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("call +1 404 555 0123")

    monkeypatch.setattr("distribution.attempts.record.close_attempt", fail)
    outcome = distribute_lead(lead.pk)

    assert (outcome.result, outcome.skip_reason, outcome.is_traced) == ("retry", "internal_error", True)
    assert list_events(outcome.attempt_id)[-1] == ("failed", "internal_error")
    data = LeadDistributionEvent.objects.filter(attempt_id=outcome.attempt_id).values_list("data", flat=True)
    assert "555 0123" not in str(list(data))  # an exception's text may contain anything
    assert money_and_counters() == before
    assert run_verification().holds


def test_transient_failures_end_after_a_maximum(lead: Lead, settings: Any) -> None:
    settings.LEADSWITCH_TRANSIENT_MAX_ATTEMPTS = 3
    results = []
    with holding(HOLD_WALLETS):
        for _ in range(3):
            lead.refresh_from_db()
            results.append(distribute_lead(lead.pk, at=lead.next_attempt_at).result)

    assert results == ["retry", "retry", "failed"]
    lead.refresh_from_db()
    assert (lead.status, lead.skip_reason, lead.attempts) == ("failed", "tier_lock_contention", 3)
    assert run_verification().holds


@pytest.mark.parametrize("moment", ["read_live", "sell"])
def test_lost_connection_leaves_the_lead_due(
    lead: Lead, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """The server ends the session halfway: no verdict, no trace, no sale. The next try sells the lead."""
    before = money_and_counters()
    due_at = lead.next_attempt_at
    real = getattr(distribution.attempts.decide_under_lock, moment)

    def die_first(*arguments: Any, **options: Any) -> Any:
        with connection.cursor() as cursor, another_connection() as killer:
            cursor.execute("SELECT pg_backend_pid()")
            [pid] = cursor.fetchone()
            with killer.cursor() as kill:
                kill.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        return real(*arguments, **options)

    monkeypatch.setattr(distribution.attempts.decide_under_lock, moment, die_first)
    with pytest.raises(OperationalError):
        distribute_lead(lead.pk)
    monkeypatch.setattr(distribution.attempts.decide_under_lock, moment, real)

    connection.close()
    lead.refresh_from_db()
    assert (lead.status, lead.attempts, lead.next_attempt_at) == ("pending", 0, due_at)
    assert money_and_counters() == before
    assert not Attempt.objects.exists()
    assert distribute_next_due().result == "success"
    assert run_verification().holds


def test_failed_verdict_hides_nothing(lead: Lead) -> None:
    """The verdict's connection waits for the lead's row and times out: the lead keeps its due time and attempts."""
    due_at = lead.next_attempt_at
    Campaign.objects.update(mode="by_favor")
    with connections["verdict"].cursor() as cursor:
        cursor.execute("SET lock_timeout = '50ms'")
    release = threading.Event()
    taken = threading.Event()

    def hold_after_rollback() -> None:
        """Waits behind the attempt for the lead, locks it at the rollback, and blocks the verdict."""
        with holding(HOLD_LEAD, [lead.pk]):
            taken.set()
            release.wait(timeout=30)

    real = distribution.attempts.distribute.decide_and_sell
    holder = threading.Thread(target=hold_after_rollback)

    def queue_up_first(*arguments: Any, **options: Any) -> Any:
        holder.start()
        with another_connection() as observer:
            wait_until_blocked(observer)
        return real(*arguments, **options)

    def wait_for_holder(*arguments: Any) -> Any:
        assert taken.wait(timeout=30)
        return write(*arguments)

    write = distribution.attempts.distribute.write_verdict
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(distribution.attempts.distribute, "decide_and_sell", queue_up_first)
        patched.setattr(distribution.attempts.distribute, "write_verdict", wait_for_holder)
        outcome = distribute_lead(lead.pk)
    release.set()
    holder.join(timeout=30)
    connections["verdict"].close()

    assert (outcome.skip_reason, outcome.is_traced) == ("internal_error", False)
    lead.refresh_from_db()
    assert (lead.status, lead.attempts, lead.next_attempt_at) == ("pending", 0, due_at)
    assert not Attempt.objects.exists()


def test_lead_that_is_not_due_is_left_alone(lead: Lead) -> None:
    """A message is only a wake-up. The locked row decides."""
    before = money_and_counters()
    now = datetime.now(UTC)
    Lead.objects.filter(pk=lead.pk).update(next_attempt_at=now + timedelta(hours=1))
    assert distribute_lead(lead.pk).not_run == "not_due"
    assert distribute_next_due().not_run == "busy"

    Lead.objects.filter(pk=lead.pk).update(next_attempt_at=now)
    lead.workspace.paused_at = now
    lead.workspace.save()
    assert distribute_lead(lead.pk).not_run == "paused"
    assert distribute_next_due().lead_id is None

    Lead.objects.filter(pk=lead.pk).update(status="cancelled", next_attempt_at=None, finished_at=now)
    assert distribute_lead(lead.pk).not_run == "finished"
    assert distribute_lead(lead.pk + 1_000_000).not_run == "busy"
    with holding(HOLD_LEAD, [lead.pk]):
        assert distribute_lead(lead.pk).not_run == "busy"

    assert money_and_counters() == before
    assert not Attempt.objects.exists()
    assert Lead.objects.get(pk=lead.pk).attempts == 0


def test_longest_waiting_lead_comes_first(lead: Lead) -> None:
    now = datetime.now(UTC)
    older = LeadFactory(source=lead.source, received_at=now - timedelta(hours=2))
    oldest = LeadFactory(source=lead.source, received_at=now - timedelta(hours=3))
    with holding(HOLD_LEAD, [oldest.pk]):
        assert distribute_next_due().lead_id == older.pk
    assert [distribute_next_due().lead_id for _ in range(3)] == [oldest.pk, lead.pk, None]


def test_operators_run_is_shown_as_such(lead: Lead) -> None:
    Lead.objects.filter(pk=lead.pk).update(due_reason="manual", attempts=2)

    outcome = distribute_lead(lead.pk)

    attempt = Attempt.objects.get(pk=outcome.attempt_id)
    assert (attempt.trigger, attempt.number) == ("manual", 3)

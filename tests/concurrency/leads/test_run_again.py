"""An operator or a sender requests a lead between its rollback and its verdict: the last request wins."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from distribution.attempts import decide_under_lock, distribute
from distribution.attempts.distribute import distribute_lead
from distribution.attempts.outcome import AttemptOutcome
from routing.leads import finish
from routing.leads.actions import dispatch_now, pause_lead, rerun_lead
from routing.locks.attempts import wait_for_lead
from routing.models import Lead, LeadStatus
from routing.reconcile.lost_workers import count_lost_worker
from tests.support.factories import CampaignFactory, LeadFactory, SourceFactory, enroll
from tests.support.race_leads import assert_verified
from tests.support.racing import in_background, race
from tests.support.waiting import wait_until, wait_until_blocked
from tracing.models import Attempt, LeadDistributionEvent

pytestmark = pytest.mark.usefixtures("committed_db", "redis_client")

Ask = Callable[[Lead], object]
MINUTE = timedelta(minutes=1)


@pytest.fixture
def lead(monkeypatch: pytest.MonkeyPatch) -> Lead:
    """Its attempts fail: it is due again a minute after the first, two minutes after the second, then never."""
    campaign = CampaignFactory(price_cents=1_000)
    enroll(campaign, count=1, credits_cents=10_000)

    def fail(*_: Any, **__: Any) -> None:
        message = "of ours"
        raise ValueError(message)

    monkeypatch.setattr(decide_under_lock, "sell", fail)
    lead: Lead = LeadFactory(source=SourceFactory(workspace=campaign.workspace))
    return lead


def run_again(lead: Lead) -> None:
    rerun_lead(lead.pk, at=timezone.now())


def dispatch(lead: Lead) -> None:
    dispatch_now(lead.public_id, source_id=lead.source_id, at=timezone.now())


def pause(lead: Lead) -> None:
    pause_lead(lead.pk, at=timezone.now())


def distribute_and_ask(lead: Lead, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> AttemptOutcome:
    """The attempt is rolled back, a request on another connection commits, and then the verdict is written."""
    write_verdict = distribute.write_verdict

    def asked(*positional: Any, **named: Any) -> AttemptOutcome:
        race([partial(ask, lead)])
        return write_verdict(*positional, **named)

    with monkeypatch.context() as patch:
        patch.setattr(distribute, "write_verdict", asked)
        return distribute_lead(lead.pk)


def is_due(lead: Lead) -> bool:
    return bool(lead.next_attempt_at and lead.next_attempt_at <= timezone.now())


@pytest.mark.parametrize(("ask", "due_reason"), [(run_again, "manual"), (dispatch, "")])
def test_requested_lead_stays_due_now(
    lead: Lead, monkeypatch: pytest.MonkeyPatch, ask: Ask, due_reason: str
) -> None:
    outcome = distribute_and_ask(lead, ask, monkeypatch)

    lead.refresh_from_db()
    assert (lead.status, lead.attempts, lead.skip_reason) == ("pending", 1, "internal_error")
    assert (lead.due_reason, is_due(lead)) == (due_reason, True)
    assert (outcome.result, outcome.next_attempt_at) == ("retry", lead.next_attempt_at)
    written = Attempt.objects.get()
    assert (written.result, written.next_attempt_at) == ("retry", lead.next_attempt_at)
    assert (lead.errors, lead.conflicts) == (1, 0)
    assert distribute_lead(lead.pk).result == "retry"
    assert_verified()


def test_verdict_waits_for_a_concurrent_request(lead: Lead, monkeypatch: pytest.MonkeyPatch) -> None:
    """The request has the lead's lock and is uncommitted when the verdict is about to be written."""
    write_verdict = distribute.write_verdict

    def ask() -> None:
        with transaction.atomic():
            wait_for_lead(lead.pk)
            wait_until_blocked(connection)
            run_again(lead)

    def asked(*positional: Any, **named: Any) -> AttemptOutcome:
        return in_turn(ask, partial(write_verdict, *positional, **named))

    monkeypatch.setattr(distribute, "write_verdict", asked)
    outcome = distribute_lead(lead.pk)

    lead.refresh_from_db()
    assert (lead.attempts, lead.due_reason, is_due(lead)) == (1, "manual", True)
    assert outcome.next_attempt_at == lead.next_attempt_at


def in_turn(first: Callable[[], None], second: Callable[[], AttemptOutcome]) -> AttemptOutcome:
    """`second` begins when `first` has locked the lead."""
    with in_background(first):
        wait_for_lock()
        return second()


def wait_for_lock() -> None:
    def is_locked() -> bool:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT id FROM routing_lead FOR NO KEY UPDATE SKIP LOCKED")
            return cursor.fetchone() is None

    wait_until(is_locked, what="the lock of the lead")


def test_requested_lead_is_not_parked(lead: Lead, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the operator had run it again right after it was parked: all its tries start over."""
    Lead.objects.filter(pk=lead.pk).update(errors=2)

    outcome = distribute_and_ask(lead, run_again, monkeypatch)

    lead.refresh_from_db()
    assert (lead.status, lead.errors, lead.due_reason, is_due(lead)) == ("pending", 0, "manual", True)
    assert lead.finished_at is None
    assert outcome.result == "retry"
    last = LeadDistributionEvent.objects.latest("seq")
    assert (last.event, last.outcome, last.skip_reason) == ("failed", "retry", "internal_error")
    assert_verified()


@pytest.mark.parametrize("errors", [0, 2], ids=["retried", "last-try"])
def test_paused_lead_stays_paused_and_the_attempt_counts(
    lead: Lead, monkeypatch: pytest.MonkeyPatch, errors: int
) -> None:
    Lead.objects.filter(pk=lead.pk).update(errors=errors)
    due_at = lead.next_attempt_at

    outcome = distribute_and_ask(lead, pause, monkeypatch)

    lead.refresh_from_db()
    assert (lead.status, lead.attempts, lead.errors) == ("pending", 1, errors + 1)
    assert lead.paused_at is not None
    assert (lead.next_attempt_at == due_at) is (errors == 2)
    assert (outcome.result, Attempt.objects.get().result) == ("retry", "retry")
    assert_verified()


def test_control_verdict_without_a_comparison_overwrites_the_request(
    lead: Lead, monkeypatch: pytest.MonkeyPatch
) -> None:
    def believe(lead_id: int, **named: Any) -> Any:
        row = wait_to_close(lead_id, **named)
        return row and row._replace(next_attempt_at=lead.next_attempt_at, due_reason=lead.due_reason)

    wait_to_close = finish.wait_to_close
    monkeypatch.setattr(finish, "wait_to_close", believe)
    distribute_and_ask(lead, run_again, monkeypatch)

    lead.refresh_from_db()
    assert (lead.due_reason, is_due(lead)) == ("internal_error", False)


def test_lead_requested_after_its_worker_was_lost_is_not_given_up(lead: Lead) -> None:
    """The reconciler reads when the lead was due, then an operator runs it again, and then the loss is counted."""
    lost = settings.LEADSWITCH_MAX_LOST_LEASES
    Lead.objects.filter(pk=lead.pk).update(lost_leases=lost - 1)
    found_due_at: datetime | None = lead.next_attempt_at
    run_again(lead)

    assert not count_lost_worker(lead.pk, attempts=0, due_at=found_due_at)

    lead.refresh_from_db()
    assert (lead.status, lead.due_reason, lead.lost_leases) == (LeadStatus.PENDING, "manual", lost)
    assert is_due(lead)
    assert count_lost_worker(lead.pk, attempts=0, due_at=lead.next_attempt_at)

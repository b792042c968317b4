"""Makes a lead due now on request. The attempt itself meets every guard, as any other does."""

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from routing.dispatch.enqueue import enqueue_leads_after_commit
from routing.leads import run_limit
from routing.leads.cancel import LeadNotFound
from routing.locks import lock_lead, wait_for_lead
from routing.models import UNFINISHED, AskedBy, Lead, LeadStatus

DUE_REASON: Final = "manual"
ASKED_BY_SENDER: Final = "dispatch_now"

# Never after now by the database's clock, however far ahead that of the caller's machine is.
MAKE_DUE: Final = """
UPDATE routing_lead
SET status = 'pending', next_attempt_at = least(%s, clock_timestamp()), due_reason = %s, finished_at = NULL,
    conflicts = CASE status WHEN 'failed' THEN 0 ELSE conflicts END,
    errors = CASE status WHEN 'failed' THEN 0 ELSE errors END,
    lost_leases = CASE status WHEN 'failed' THEN 0 ELSE lost_leases END
WHERE id = %s AND status = %s
"""
# A lead that is due keeps its place, but the verdict of an attempt that was just rolled back has to see that it was
# asked for since. An attempt that a sender asked for is the answer to that sender's repetitions.
MARK_ASKED: Final = """
UPDATE routing_lead SET next_attempt_at = next_attempt_at + interval '1 microsecond'
WHERE id = %s AND due_reason <> %s
"""

WHY_NOT: Final = {
    LeadStatus.CALLING: "being verified by an outside service; wait for its end",
    LeadStatus.GATED: "it waits for its verification",
    LeadStatus.OFFERED: "it is offered to buyers; wait for the window's end",
    LeadStatus.DISTRIBUTED: "it is sold",
    LeadStatus.EXPIRED: "its time to live is over",
    LeadStatus.CANCELLED: "it was cancelled",
}


# A duplicate may be tried again: its attempt looks anew for who came first: that lead may have ended unsold since. So
# may a returned lead: those who gave it back do not get it again.
MAY_RUN_AGAIN: Final = (LeadStatus.FAILED, LeadStatus.PENDING, LeadStatus.DUPLICATE, LeadStatus.RETURNED)


class RerunRefused(Exception):
    """The lead cannot be run again. The message says why."""


class LeadRunning(RerunRefused):
    """A worker has it at this moment, or it waits for an answer from outside."""


class TriedTooOften(RerunRefused):
    """The lead was tried on request as often as it may be. `wait_seconds`: until it may be again."""

    def __init__(self, wait_seconds: int) -> None:
        super().__init__(f"it was tried on request too often; try again in {wait_seconds} seconds")
        self.wait_seconds = wait_seconds


def rerun_lead(lead_id: int, *, at: datetime) -> None:
    """Make a failed, waiting or returned lead, or a duplicate, due at `at`, and hand it on once this has committed.

    A failed one gets all its tries anew. Waits for the lead's lock, up to lock_timeout.
    Raises RerunRefused (TriedTooOften too), Lead.DoesNotExist.
    """
    with transaction.atomic():
        wait_for_lead(lead_id)
        lead = Lead.objects.only("status", "paused_at", "expires_at").get(pk=lead_id)
        _refuse(lead, at=at)
        _take_allowance(lead_id, asked_by=AskedBy.OPERATOR, at=at)
        _make_due(lead_id, status=lead.status, at=at, due_reason=DUE_REASON)


def dispatch_now(public_id: UUID, *, source_id: int, at: datetime) -> None:
    """Make a waiting lead that the source sent due now, and hand it on once this has committed.

    Idempotent: a lead that is due already keeps its time, and the request is not counted. Does not wait for locks.
    Raises LeadNotFound, LeadRunning, TriedTooOften, RerunRefused.
    """
    sent = Lead.objects.filter(public_id=public_id, source_id=source_id)
    lead_id = sent.values_list("id", flat=True).first()
    if lead_id is None:
        raise LeadNotFound
    with transaction.atomic():
        if lock_lead(lead_id) is None:
            raise LeadRunning("it is being processed right now")
        lead = Lead.objects.only("status", "paused_at", "expires_at", "next_attempt_at").get(pk=lead_id)
        _refuse_unless_waiting(lead, at=at)
        if lead.next_attempt_at is not None and lead.next_attempt_at <= at:
            _mark_asked(lead_id)
        else:
            _take_allowance(lead_id, asked_by=AskedBy.SENDER, at=at)
            _make_due(lead_id, status=lead.status, at=at, due_reason=ASKED_BY_SENDER)


def _take_allowance(lead_id: int, *, asked_by: AskedBy, at: datetime) -> None:
    wait_seconds = run_limit.take(lead_id, asked_by=asked_by, at=at)
    if wait_seconds:
        raise TriedTooOften(wait_seconds)


def _make_due(lead_id: int, *, status: str, at: datetime, due_reason: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(MAKE_DUE, [at, due_reason, lead_id, status])
    enqueue_leads_after_commit(lead_id)


def _mark_asked(lead_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(MARK_ASKED, [lead_id, ASKED_BY_SENDER])
    enqueue_leads_after_commit(lead_id)


def _refuse_unless_waiting(lead: Lead, *, at: datetime) -> None:
    """A sender starts what waits; what has ended, failed too, only an operator runs again."""
    status = LeadStatus(lead.status)
    if status in UNFINISHED and status != LeadStatus.PENDING:
        raise LeadRunning(WHY_NOT[status])
    if status != LeadStatus.PENDING:
        raise RerunRefused(f"it is finished ({status.value}); only a waiting lead can be dispatched")
    _refuse(lead, at=at)


def _refuse(lead: Lead, *, at: datetime) -> None:
    reason = why_not(lead, at=at)
    if reason:
        raise RerunRefused(reason)


def why_not(lead: Lead, *, at: datetime) -> str:
    """Why this lead would be refused; "" when it can be run again."""
    if lead.status not in MAY_RUN_AGAIN:
        return WHY_NOT[LeadStatus(lead.status)]
    if lead.paused_at is not None:
        return "it is paused; resume it first"
    return WHY_NOT[LeadStatus.EXPIRED] if lead.expires_at <= at else ""

"""Writes the end of an attempt, a manual sale or a return to the lead."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from django.db import connection
from django.db.models.functions import Least, Now

from routing.dispatch.enqueue import enqueue_leads_after_commit
from routing.locks.attempts import LockedLead, wait_to_close
from routing.models import TIMED, UNFINISHED, Lead, LeadStatus
from routing.retry import NextStep, Tries
from tracing.models import AttemptResult

# SQL, because every attempt runs it, and Django takes 0.6 ms to compile the same update().
CLOSE: Final = """
UPDATE routing_lead
SET workspace_id = %s, status = %s, skip_reason = %s, attempts = %s, next_attempt_at = %s, due_reason = %s,
    finished_at = %s, conflicts = %s, errors = %s, lost_leases = 0,
    posting_since = CASE %s WHEN 'posting' THEN COALESCE(posting_since, %s) WHEN 'deferred' THEN NULL
        WHEN 'offered' THEN CASE WHEN is_partly_sold THEN posting_since END ELSE posting_since END
WHERE id = %s AND status IN ('pending', 'offered') AND paused_at IS NULL AND attempts = %s
"""
# LEAST ignores NULL, so a lead that is not due needs the CASE.
CLOSE_POSTING: Final = """
UPDATE routing_lead
SET status = %(status)s, skip_reason = %(reason)s, attempts = %(attempts)s, due_reason = %(due_reason)s,
    next_attempt_at = CASE WHEN %(due_at)s::timestamptz IS NOT NULL THEN LEAST(%(due_at)s, statement_timestamp()) END,
    finished_at = %(finished_at)s, conflicts = 0, errors = 0, lost_leases = 0,
    is_partly_sold = is_partly_sold OR %(is_accepted)s
WHERE id = %(lead)s AND status = 'posting' AND attempts = %(attempts)s - 1
"""
# Why a lead is due after a buyer's system has answered.
DELIVERY_ENDED: Final = "delivery_ended"
# Why a lead is due after its verification has ended.
VERIFICATION_ENDED: Final = "verification_ended"
# Why it is not sold before that.
VERIFICATION_REQUIRED: Final = "verification_required"
SOLD_BY_HAND_FROM: Final = (
    LeadStatus.PENDING,
    LeadStatus.OFFERED,
    LeadStatus.FAILED,
    LeadStatus.DISTRIBUTED,
    LeadStatus.RETURNED,
)

RESALE: Final = "resale"
# Why an offered lead is due: its offer closes then.
OFFER_CLOSES: Final = "offer_closes"


class LeadMoved(RuntimeError):
    """The lead changed after the attempt read it: another process finished, tried or paused it."""

    def __init__(self, lead_id: int, *, attempt: int) -> None:
        super().__init__(f"lead {lead_id} changed during its attempt {attempt}")


def close_attempt(
    lead_id: int,
    *,
    workspace_id: int,
    status: str,
    skip_reason: str,
    attempts: int,
    step: NextStep,
    at: datetime,
) -> None:
    """Write the end of attempt number `attempts` and the lead's next state, by compare-and-set on the state before.

    A deferred or offered lead is no longer posted to buyers' systems: the deadline begins anew with the next one asked.

    Needs an open transaction. Raises LeadMoved if another process finished, tried or paused the lead.
    """
    finished_at = None if status in UNFINISHED else at
    due_reason = skip_reason if step.due_at is not None else ""
    if status == LeadStatus.OFFERED:
        due_reason = OFFER_CLOSES
    with connection.cursor() as cursor:
        cursor.execute(
            CLOSE,
            [
                *(workspace_id, status, skip_reason, attempts, step.due_at, due_reason, finished_at),
                *(
                    step.tries.conflicts,
                    step.tries.errors,
                    step.result,
                    at,
                    lead_id,
                    attempts - 1,
                ),
            ],
        )
        if cursor.rowcount != 1:
            raise LeadMoved(lead_id, attempt=attempts)


# What a lead is after a verdict that ends it.
_ENDS: Final = {
    AttemptResult.FAILED: LeadStatus.FAILED,
    AttemptResult.SUCCESS: LeadStatus.DISTRIBUTED,
}


def _result_of(step: NextStep, *, is_sold: bool) -> str:
    """Of an attempt that was rolled back. `is_sold`: a buyer had the lead before the attempt, and still has it."""
    if step.due_at is not None:
        return AttemptResult.RETRY.value
    return AttemptResult.SUCCESS.value if is_sold else AttemptResult.FAILED.value


def close_rolled_back(
    lead: LockedLead, *, step: NextStep, skip_reason: str, at: datetime, using: str
) -> NextStep:
    """Write the end of an attempt whose transaction was rolled back. `lead` is the row as the attempt read it.

    The rollback released the lead's lock, so a request made since then is newer than this verdict. A due time written
    since then stays, with its reason. A lead paused or requested since then is not parked, as if the request had come
    after the attempt. One that a buyer has is sold instead of parked. Returns the step that was written. Needs an open
    transaction, and waits for the lead's lock up to lock_timeout. Raises LeadMoved if another process finished or tried
    the lead.
    """
    row = wait_to_close(lead.id, using=using)
    if row is None or row.status not in TIMED or row.attempts != lead.attempts:
        raise LeadMoved(lead.id, attempt=lead.attempts + 1)
    is_asked = (row.next_attempt_at, row.due_reason) != (lead.next_attempt_at, lead.due_reason)
    due_reason = skip_reason if step.due_at is not None else ""
    if is_asked or (row.is_paused and step.due_at is None):
        # A request for a parked lead resets its tries.
        tries = Tries() if is_asked and step.due_at is None else step.tries
        step, due_reason = NextStep(AttemptResult.RETRY.value, row.next_attempt_at, tries), row.due_reason
    step = replace(step, result=_result_of(step, is_sold=row.is_partly_sold))
    # An offer that was not closed stays open.
    status = row.status if step.due_at is not None else _ENDS[AttemptResult(step.result)]
    finished_at = None if status in UNFINISHED else at
    changed = (
        Lead.objects.using(using)
        .filter(pk=lead.id, status=row.status, attempts=lead.attempts)
        .update(
            workspace_id=lead.workspace_id,
            status=status,
            skip_reason="" if status == LeadStatus.DISTRIBUTED else skip_reason,
            attempts=lead.attempts + 1,
            next_attempt_at=step.due_at,
            due_reason=due_reason,
            finished_at=finished_at,
            conflicts=step.tries.conflicts,
            errors=step.tries.errors,
            lost_leases=0,
        )
    )
    if changed != 1:
        raise LeadMoved(lead.id, attempt=lead.attempts + 1)
    return step


def close_by_hand(lead_id: int, *, attempts: int, at: datetime) -> None:
    """Write that a person assigned the lead to a buyer in attempt number `attempts`. Needs the lead's lock.

    Removes the lead from the schedule on commit. Raises LeadMoved if its status does not allow the sale or if it was
    tried in between.
    """
    row = Lead.objects.filter(pk=lead_id, status__in=SOLD_BY_HAND_FROM, attempts=attempts - 1)
    changed = row.update(
        status=LeadStatus.DISTRIBUTED,
        skip_reason="",
        attempts=attempts,
        next_attempt_at=None,
        due_reason="",
        paused_at=None,
        finished_at=at,
        conflicts=0,
        errors=0,
        lost_leases=0,
    )
    if changed != 1:
        raise LeadMoved(lead_id, attempt=attempts)
    enqueue_leads_after_commit(lead_id)


def close_returned(lead_id: int, *, at: datetime) -> None:
    """Write that all buyers of a sold lead returned it. Needs the lead's lock. Ignores a lead that is not sold.

    A lead that is still posted to other buyers goes on unsold.
    """
    sold = Lead.objects.filter(pk=lead_id, status=LeadStatus.DISTRIBUTED)
    if sold.update(status=LeadStatus.RETURNED, finished_at=at) == 0:
        Lead.objects.filter(pk=lead_id, is_partly_sold=True).update(is_partly_sold=False)


def close_posting(
    lead_id: int, *, status: LeadStatus, reason: str, is_accepted: bool, attempts: int, at: datetime
) -> None:
    """Write the answer of a buyer's system, in attempt number `attempts`, to a lead that waits for it.

    `status` PENDING: the lead is due at once. `is_accepted`: this buyer has the lead now. `reason`: why it is not sold.
    Needs the lead's lock. Enqueues a lead that is due on commit; one that waits for an answer is not in the schedule.
    Raises LeadMoved if the lead does not wait for an answer.
    """
    is_due = status == LeadStatus.PENDING
    parameters: dict[str, int | str | datetime | None] = {
        "lead": lead_id,
        "status": status,
        "reason": reason,
        "attempts": attempts,
        "due_at": at if is_due else None,
        "due_reason": DELIVERY_ENDED if is_due else "",
        "finished_at": None if is_due else at,
        "is_accepted": is_accepted,
    }
    with connection.cursor() as cursor:
        cursor.execute(CLOSE_POSTING, parameters)
        if cursor.rowcount != 1:
            raise LeadMoved(lead_id, attempt=attempts)
    if is_due:
        enqueue_leads_after_commit(lead_id)


CLOSE_CLAIM: Final = """
UPDATE routing_lead
SET status = CASE WHEN %(has_room)s THEN status ELSE 'distributed' END, skip_reason = '', attempts = %(attempts)s,
    next_attempt_at = CASE WHEN %(has_room)s THEN next_attempt_at END,
    due_reason = CASE WHEN %(has_room)s THEN due_reason ELSE '' END,
    finished_at = CASE WHEN NOT %(has_room)s THEN %(at)s::timestamptz END,
    conflicts = 0, errors = 0, lost_leases = 0, is_partly_sold = %(has_room)s
WHERE id = %(lead)s AND status = 'offered' AND attempts = %(attempts)s - 1
"""


def close_claim(lead_id: int, *, attempts: int, has_room: bool, at: datetime) -> None:
    """Write that a buyer claimed an offered lead in attempt number `attempts`. Needs the lead's lock.

    `has_room`: other buyers may still claim it, so it stays offered. Otherwise it is removed from the schedule on
    commit. Raises LeadMoved if the lead is not offered or was tried in between.
    """
    parameters: dict[str, int | bool | datetime] = {
        "lead": lead_id,
        "attempts": attempts,
        "has_room": has_room,
        "at": at,
    }
    with connection.cursor() as cursor:
        cursor.execute(CLOSE_CLAIM, parameters)
        if cursor.rowcount != 1:
            raise LeadMoved(lead_id, attempt=attempts)
    if not has_room:
        enqueue_leads_after_commit(lead_id)


def reopen_returned(lead_id: int, *, at: datetime) -> bool:
    """Make a returned lead due, so that it is offered to buyers that never had it. Needs the lead's lock.

    Returns False if a buyer still holds it, or if it has expired.
    """
    returned = Lead.objects.filter(pk=lead_id, status=LeadStatus.RETURNED, expires_at__gt=at)
    changed = returned.update(
        status=LeadStatus.PENDING,
        next_attempt_at=Least(at, Now()),
        due_reason=RESALE,
        finished_at=None,
    )
    if changed:
        enqueue_leads_after_commit(lead_id)
    return bool(changed)

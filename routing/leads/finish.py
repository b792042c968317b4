"""Writes what an attempt made of its lead."""

from datetime import datetime
from typing import Final

from django.db import connection, connections

from routing.dispatch.enqueue import enqueue_leads_after_commit
from routing.locks import LockedLead, wait_to_close
from routing.models import UNFINISHED, LeadStatus
from routing.retry import NextStep, Tries
from tracing.models import AttemptResult

_CLOSE: Final = """
UPDATE routing_lead
SET workspace_id = %s, status = %s, skip_reason = %s, attempts = %s, next_attempt_at = %s, due_reason = %s,
    finished_at = %s, conflicts = %s, errors = %s, lost_leases = 0
"""
CLOSE: Final = f"""{_CLOSE}
WHERE id = %s AND status = 'pending' AND paused_at IS NULL AND attempts = %s
"""
# The row was read again under its lock.
CLOSE_ROLLED_BACK: Final = f"{_CLOSE} WHERE id = %s AND attempts = %s"

CLOSE_BY_HAND: Final = """
UPDATE routing_lead
SET status = 'distributed', skip_reason = '', attempts = %s, next_attempt_at = NULL, due_reason = '',
    paused_at = NULL, finished_at = %s, conflicts = 0, errors = 0, lost_leases = 0
WHERE id = %s AND status IN ('pending', 'failed', 'distributed', 'returned') AND attempts = %s
"""

CLOSE_RETURNED: Final = """
UPDATE routing_lead SET status = 'returned', finished_at = %s WHERE id = %s AND status = 'distributed'
"""


class LeadMoved(RuntimeError):
    """The lead is no longer as the attempt found it: somebody else finished or paused it."""


def close_attempt(
    lead_id: int,
    *,
    workspace_id: int,
    status: str,
    skip_reason: str,
    attempts: int,
    next_attempt_at: datetime | None,
    at: datetime,
    tries: Tries,
) -> None:
    """Write the end of attempt number `attempts` and where the lead is now: compare-and-set on the state before it.

    Needs an open transaction. Raises LeadMoved when the lead was finished, tried or paused by somebody else.
    """
    finished_at = None if status in UNFINISHED else at
    due_reason = skip_reason if next_attempt_at is not None else ""
    with connection.cursor() as cursor:
        cursor.execute(
            CLOSE,
            [
                *(workspace_id, status, skip_reason, attempts, next_attempt_at, due_reason, finished_at),
                *(tries.conflicts, tries.errors, lead_id, attempts - 1),
            ],
        )
        if cursor.rowcount != 1:
            message = f"lead {lead_id} changed under its attempt {attempts}"
            raise LeadMoved(message)


def close_rolled_back(
    lead: LockedLead, *, step: NextStep, skip_reason: str, at: datetime, using: str
) -> NextStep:
    """Write the end of an attempt whose transaction was rolled back. `lead` is the row as that attempt began with it.

    Its lock was free since: a request that came after it is newer than the verdict. A due time that was written
    since stays, with its reason, and a lead that was paused or asked for since is not parked: it is as if that had come
    after the attempt. Returns the step that was written. Needs an open transaction, and waits for the lead's lock up to
    lock_timeout. Raises LeadMoved when the lead was finished or tried by somebody else.
    """
    row = wait_to_close(lead.id, using=using)
    if row is None or row.status != LeadStatus.PENDING or row.attempts != lead.attempts:
        message = f"lead {lead.id} changed under its attempt {lead.attempts + 1}"
        raise LeadMoved(message)
    is_asked = (row.next_attempt_at, row.due_reason) != (lead.next_attempt_at, lead.due_reason)
    due_reason = skip_reason if step.due_at is not None else ""
    if is_asked or (row.is_paused and step.due_at is None):
        # Who asks for a parked lead gives it all its tries anew.
        tries = Tries() if is_asked and step.due_at is None else step.tries
        step, due_reason = NextStep(AttemptResult.RETRY.value, row.next_attempt_at, tries), row.due_reason
    status = LeadStatus.FAILED if step.due_at is None else LeadStatus.PENDING
    finished_at = None if status in UNFINISHED else at
    with connections[using].cursor() as cursor:
        cursor.execute(
            CLOSE_ROLLED_BACK,
            [
                *(lead.workspace_id, status.value, skip_reason, lead.attempts + 1, step.due_at, due_reason),
                *(finished_at, step.tries.conflicts, step.tries.errors, lead.id, lead.attempts),
            ],
        )
    return step


def close_by_hand(lead_id: int, *, attempts: int, at: datetime) -> None:
    """Write that a person gave the lead to a buyer in attempt number `attempts`. Needs the lead's lock.

    It leaves the schedule after the commit.
    Raises LeadMoved when its state or its attempts are not what the assignment was decided on.
    """
    with connection.cursor() as cursor:
        cursor.execute(CLOSE_BY_HAND, [attempts, at, lead_id, attempts - 1])
        if cursor.rowcount != 1:
            message = f"lead {lead_id} changed under its attempt {attempts}"
            raise LeadMoved(message)
    enqueue_leads_after_commit(lead_id)


def close_returned(lead_id: int, *, at: datetime) -> None:
    """Write that all buyers of a sold lead have given it back. Needs the lead's lock. Leaves any other lead."""
    with connection.cursor() as cursor:
        cursor.execute(CLOSE_RETURNED, [at, lead_id])

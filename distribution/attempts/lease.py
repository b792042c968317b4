"""What follows an attempt: the lease ends, and a lead that must wait again goes back into the schedule.

The new due time is written to PostgreSQL first and read from there for Redis. A lead deferred only in Redis would be
started again and again.
"""

from datetime import timedelta
from typing import Final

from django.db import Error

from distribution.attempts.distribute import distribute_lead
from distribution.attempts.outcome import AttemptOutcome, NotRun
from routing.dispatch import inflight, shadow
from routing.dispatch.enqueue import enqueue_now
from routing.dispatch.pauses import mirror
from routing.dispatch.schedule import Due
from routing.models import DispatchMode
from routing.queries import DueTime, read_due_times
from routing.redis.outage import guarded

# The minimum delay, even for an overdue lead. Without it, a lead that another worker owns is tried in a hot loop.
WAIT_WHILE_BUSY: Final = timedelta(seconds=1)
# The same for a paused lead while the pause cannot be written to Redis.
WAIT_FOR_MIRROR: Final = timedelta(seconds=10)
NO_WAIT: Final = timedelta(0)


def distribute_leased(lead_id: int) -> None:
    """Run an attempt on a lead that this worker received, unless its lease is over."""
    with inflight.leased(lead_id) as lease:
        if lease is None:
            return
        outcome = distribute_lead(lead_id)
        _compare_with_shadow(outcome)
        if _is_finished(outcome):
            lease.finish()
            return
        due = _read_due_time(lead_id)
        if due is None:
            return  # the database does not respond; when the lease ends, the lead is checked again
        if due.due_at is None:
            lease.finish()
        else:
            lease.wait_until(due, least_wait=_least_wait(outcome, due))


def requeue(outcome: AttemptOutcome) -> None:
    """Requeue a lead after an attempt that held no lease."""
    if outcome.not_run is not None or outcome.lead_id is None:
        return
    _compare_with_shadow(outcome)
    if outcome.waits_again:
        due = _read_due_time(outcome.lead_id)
        enqueue_now([] if due is None else [due])


def _is_finished(outcome: AttemptOutcome) -> bool:
    return outcome.not_run is NotRun.FINISHED or (outcome.not_run is None and not outcome.waits_again)


def _read_due_time(lead_id: int) -> DueTime | None:
    """None: the database does not respond. A lead that does not exist has no due time."""
    try:
        found = read_due_times([lead_id])
    except Error:
        return None
    return found[0] if found else DueTime(lead_id, 0, DispatchMode.EVENT, None)


def _least_wait(outcome: AttemptOutcome, due: DueTime) -> timedelta:
    """Redis' clock may be ahead of the database's. A lead that was not due yet waits for the difference."""
    if outcome.not_run is NotRun.NOT_DUE:
        return due.remaining or NO_WAIT
    if outcome.not_run is NotRun.BUSY:
        return WAIT_WHILE_BUSY
    if outcome.not_run is NotRun.PAUSED and not _mirror_pause(due.workspace_id):
        return WAIT_FOR_MIRROR
    return NO_WAIT


def _mirror_pause(workspace_id: int) -> bool:
    """Copy the workspace's pause to Redis, which may not have it yet. The lead then starts right after the resume.

    The workspace may be resumed already. Returns False if Redis cannot be reached.
    """
    try:
        return mirror(None, workspace_id)
    except Error:
        return False


def _compare_with_shadow(outcome: AttemptOutcome) -> None:
    """Compare the shadow index with the row that this attempt locked."""
    locked = outcome.locked
    if outcome.not_run is None and locked is not None and locked.dispatch_mode == DispatchMode.SHADOW:
        assert locked.next_attempt_at is not None  # noqa: S101 - an attempt ran: it was due
        due = Due(locked.id, locked.workspace_id, locked.next_attempt_at)
        guarded("compare", lambda: shadow.compare(due), "")

"""Leases on leads, for work with outside effects: a call, a direct post.

    acquire (commits `calling`, who and since when) -> the work, outside any transaction -> complete | fail
                                                   `-> nothing more is heard: `reconcile stale_locks` ends it

Inside one transaction the row lock is the lock, and a rollback undoes everything. What reaches outside cannot be
undone, so the claim is committed before it. Every later write compares who and since when: an owner that slept past its
lease finds another there, or nobody, and its write is refused.
"""

import logging
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import OperationalError, connection, transaction

from routing import metrics
from routing.dispatch.enqueue import hand_on_later
from routing.leads.abandoned import Ending, end_attempts, tell_endings
from routing.leads.attempt_log import LockOutcome, tell_no_lock
from routing.locks import HeldLead, LockedLead, hold_lease, is_lock_timeout, lock_lead
from routing.models import UNFINISHED, LeadStatus
from routing.retry import next_step
from tracing.skip_reasons import SKIP_REASONS

logger = logging.getLogger(__name__)

# What a lead is parked with that came to nothing with this reason too often.
LAST_REASON: Final = {"lock_expired": "worker_lost"}

LEASE: Final = """
UPDATE routing_lead
SET status = 'calling', next_attempt_at = NULL, due_reason = '', locked_by = %s, locked_at = %s
WHERE id = %s
"""
RELEASE: Final = """
UPDATE routing_lead
SET status = %s, skip_reason = '', next_attempt_at = %s, due_reason = %s, finished_at = %s, conflicts = 0, errors = 0,
    locked_by = '', locked_at = NULL
WHERE id = %s
"""


@dataclass(frozen=True, slots=True)
class Lease:
    """Who has the lead and since when: together they fence every later write."""

    lead_id: int
    public_id: UUID
    owner: str
    locked_at: datetime


class NotAcquired(Exception):
    """The lead is not to be had now; `outcome` tells whether a lock was the reason, None that it was its state."""

    def __init__(self, outcome: LockOutcome | None, reason: str) -> None:
        super().__init__(reason)
        self.outcome = outcome


class LeaseLost(Exception):
    """Somebody else has the lead, or it has ended meanwhile. Nothing was written."""

    def __init__(self, lease: Lease) -> None:
        super().__init__(f"{lease.owner} no longer has lead {lease.lead_id}")
        self.lease = lease


def acquire(lead_id: int, *, owner: str, at: datetime | None = None) -> Lease:
    """Take a lead that is due and commit that, so that the work can begin. `at` None: the database's clock.

    Needs no open transaction. Raises NotAcquired; the measured outcome is in the metrics, and a lock that was not to be
    had in the log.
    """
    started = time.perf_counter()
    try:
        with transaction.atomic(durable=True):
            lead = lock_lead(lead_id)
            lock_ms = _since(started)
            if lead is not None:
                lease = _lease(lead, owner=owner, at=at or lead.locked_at)
    except OperationalError as error:
        if not is_lock_timeout(error):
            raise
        tell_no_lock(LockOutcome.TIMED_OUT, lead_row=lead_id, lock_ms=_since(started))
        raise NotAcquired(LockOutcome.TIMED_OUT, "its lock was not granted in time") from error
    if lead is None:
        tell_no_lock(LockOutcome.BUSY, lead_row=lead_id, lock_ms=lock_ms)
        raise NotAcquired(LockOutcome.BUSY, "somebody else has it, or there is no such lead")
    metrics.LEAD_LOCK_SECONDS.labels(outcome=LockOutcome.ACQUIRED.value).observe(lock_ms / 1000)
    return lease


def complete(
    lease: Lease,
    *,
    status: LeadStatus,
    at: datetime,
    next_attempt_at: datetime | None = None,
    due_reason: str = "",
) -> None:
    """The work is done: write the lead's next state and end the lease. Joins an open transaction.

    Raises LeaseLost.
    """
    finished_at = None if status in UNFINISHED else at
    with transaction.atomic():
        _hold(lease)
        with connection.cursor() as cursor:
            cursor.execute(RELEASE, [status.value, next_attempt_at, due_reason, finished_at, lease.lead_id])
        hand_on_later(lease.lead_id)


def fail(lease: Lease, *, reason: str, at: datetime) -> datetime | None:
    """The work has failed: its attempt ends, with a trace, and is retried by the schedule of its reason or parked.

    Returns when the lead is due again; None: it is parked. Needs no open transaction. Raises LeaseLost.
    """
    with transaction.atomic(durable=True):
        ending = end_of_lease(_hold(lease), reason=reason, at=at)
        lines = end_attempts([ending], at=at, owner=lease.owner)
    tell_endings(lines)
    return ending.step.due_at


def end_of_lease(lead: HeldLead, *, reason: str, at: datetime) -> Ending:
    """Decide what follows a lease that came to nothing: the schedule of its reason, or the end of its tries."""
    step = next_step(
        retry_class=SKIP_REASONS[reason].retry_class,
        retry_at=None,
        at=at,
        tries=lead.tries,
        limits=lead.limits,
        expires_at=lead.expires_at,
        seed=lead.public_id.int + lead.attempts,
    )
    if step.due_at is not None:
        return Ending(lead, LeadStatus.PENDING, reason, step)
    return Ending(lead, LeadStatus.FAILED, LAST_REASON.get(reason, reason), step)


def _lease(lead: LockedLead, *, owner: str, at: datetime) -> Lease:
    reason = _why_not(lead, at=at)
    if reason:
        raise NotAcquired(None, reason)
    with connection.cursor() as cursor:
        cursor.execute(LEASE, [owner, at, lead.id])
    hand_on_later(lead.id)
    return Lease(lead.id, lead.public_id, owner, at)


def _why_not(lead: LockedLead, *, at: datetime) -> str:
    """Check the locked row: whoever asks may have heard of it long ago."""
    if lead.is_paused:
        return "it is paused"
    if lead.expires_at <= at:
        return "its time to live is over"
    if lead.status == LeadStatus.GATED:
        return ""
    if lead.status != LeadStatus.PENDING or lead.next_attempt_at is None:
        return f"it does not wait: it is {LeadStatus(lead.status).label}"
    return "it is not due" if lead.next_attempt_at > at else ""


def _hold(lease: Lease) -> HeldLead:
    lead = hold_lease(lease.lead_id, owner=lease.owner, locked_at=lease.locked_at)
    if lead is None:
        metrics.LEASES_LOST.inc()
        logger.warning("routing.lease_lost", extra={"lead_id": str(lease.public_id), "owner": lease.owner})
        raise LeaseLost(lease)
    return lead


def _since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 3)

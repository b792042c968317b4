"""Claims on leads, for work with outside effects: a call, a direct post.

    acquire (commits `calling`, the owner and the time) -> the work, outside any transaction -> complete | fail
                                                       `-> the owner died: `reconcile stale_locks` ends the claim

A rollback cannot undo outside effects, so the claim is committed before them. Every later write compares the owner and
the time, so a write by an owner whose claim has ended is refused.
"""

import logging
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import OperationalError, transaction

from routing.dispatch.enqueue import enqueue_leads_after_commit
from routing.leads.abandoned import Abandoned, end_attempts, log_attempts
from routing.leads.attempt_log import LockOutcome, log_busy_lead, log_lock_timeout
from routing.leads.finish import VERIFICATION_REQUIRED
from routing.locks.attempts import LockedLead, lock_lead
from routing.locks.leads_to_end import LeadToEnd, lock_claimed_lead
from routing.metrics.leads import LEAD_LOCK_SECONDS, LEASES_LOST
from routing.models import UNFINISHED, VERIFIED, Lead, LeadStatus, LeadVerification
from routing.retry import next_step
from tracing.locks import is_lock_timeout
from tracing.skip_reasons import SKIP_REASONS

logger = logging.getLogger(__name__)

# Reason of the last try -> reason with which the lead is parked.
LAST_REASON: Final = {"lock_expired": "worker_lost"}


@dataclass(frozen=True, slots=True)
class Claim:
    """The owner of a lead and the time of the claim. Together they fence every later write."""

    lead_id: int
    public_id: UUID
    owner: str
    locked_at: datetime


class NotClaimed(Exception):
    """The lead cannot be claimed now. `outcome` is that of the lock; None if the lead's state is the reason."""

    def __init__(self, outcome: LockOutcome | None, reason: str) -> None:
        super().__init__(reason)
        self.outcome = outcome


class ClaimLost(Exception):
    """Another owner has the lead, or it has finished. Nothing was written."""

    def __init__(self, lead_id: int, *, owner: str) -> None:
        super().__init__(f'"{owner}" no longer has lead {lead_id}')


def acquire(lead_id: int, *, owner: str, at: datetime | None = None) -> Claim:
    """Claim a due lead and commit the claim before the work begins. With `at` None, the database's clock counts.

    Must run outside a transaction. Raises NotClaimed. Measures the wait for the lock, and logs a lock that was not
    granted.
    """
    started = time.perf_counter()
    try:
        with transaction.atomic(durable=True):
            lead = lock_lead(lead_id)
            lock_ms = _since(started)
            if lead is not None:
                claim = claim_locked(lead, owner=owner, at=at or lead.locked_at)
    except OperationalError as error:
        if not is_lock_timeout(error):
            raise
        log_lock_timeout(lead_id, lock_ms=_since(started))
        raise NotClaimed(LockOutcome.TIMED_OUT, "its lock was not granted in time") from error
    if lead is None:
        log_busy_lead(lead_id, lock_ms=lock_ms)
        raise NotClaimed(LockOutcome.BUSY, "another process has it, or it does not exist")
    LEAD_LOCK_SECONDS.labels(outcome=LockOutcome.ACQUIRED.value).observe(lock_ms / 1000)
    return claim


def complete(
    claim: Claim,
    *,
    status: LeadStatus,
    at: datetime,
    next_attempt_at: datetime | None = None,
    due_reason: str = "",
) -> None:
    """Write the lead's next state after the work and end the claim. Joins an open transaction. Raises ClaimLost."""
    with transaction.atomic():
        _lock_claimed(claim)
        release(
            claim.lead_id,
            owner=claim.owner,
            status=status,
            at=at,
            next_attempt_at=next_attempt_at,
            due_reason=due_reason,
        )


def release(
    lead_id: int,
    *,
    owner: str,
    status: LeadStatus,
    at: datetime,
    next_attempt_at: datetime | None = None,
    due_reason: str = "",
    verification: LeadVerification | None = None,
) -> None:
    """Write the next state of a lead that is claimed or gated. Needs its lock, under which it was read.

    `owner`: who has the claim, "" for a gated lead without one. `verification`: what is known of the person now. None:
    as before. Raises ClaimLost, and then the caller's transaction must roll back.
    """
    known: dict[str, Any] = {} if verification is None else {"verification": verification}
    if verification in VERIFIED:
        known["verified_at"] = at
    row = Lead.objects.filter(pk=lead_id, status__in=(LeadStatus.CALLING, LeadStatus.GATED), locked_by=owner)
    released = row.update(
        status=status,
        skip_reason=VERIFICATION_REQUIRED if status == LeadStatus.GATED else "",
        next_attempt_at=next_attempt_at,
        due_reason=due_reason,
        finished_at=None if status in UNFINISHED else at,
        conflicts=0,
        errors=0,
        locked_by="",
        locked_at=None,
        **known,
    )
    if released != 1:
        raise _lost(lead_id, owner=owner)
    enqueue_leads_after_commit(lead_id)


def renew(lead_id: int, *, owner: str, at: datetime) -> bool:
    """Note that the owner still works. Without it, `reconcile stale_locks` ends the claim. False: it has ended.

    The owner's name must be that of this claim alone: the time of the claim changes.
    """
    row = Lead.objects.filter(pk=lead_id, status=LeadStatus.CALLING, locked_by=owner)
    return row.update(locked_at=at) == 1


def fail(claim: Claim, *, reason: str, at: datetime) -> datetime | None:
    """End the attempt after failed work and write its trace. The reason's retry schedule decides what follows.

    Returns when the lead is due again, or None if it was parked. Must run outside a transaction. Raises ClaimLost.
    """
    with transaction.atomic(durable=True):
        attempt = end_of_claim(_lock_claimed(claim), reason=reason, at=at)
        lines = end_attempts([attempt], at=at, owner=claim.owner)
    log_attempts(lines)
    return attempt.step.due_at


def end_of_claim(lead: LeadToEnd, *, reason: str, at: datetime) -> Abandoned:
    """Decide what follows an unsuccessful claim: a retry on the schedule of its reason, or parking."""
    step = next_step(
        lead,
        retry_class=SKIP_REASONS[reason].retry_class,
        retry_at=None,
        at=at,
        backoffs=settings.LEADSWITCH_TUNING.backoffs,
        seed=lead.public_id.int + lead.attempts,
    )
    if step.due_at is not None:
        return Abandoned(lead, LeadStatus.PENDING, reason, step)
    return Abandoned(lead, LeadStatus.FAILED, LAST_REASON.get(reason, reason), step)


def claim_locked(lead: LockedLead, *, owner: str, at: datetime) -> Claim:
    """Claim a lead within an open transaction, which holds its lock. Raises NotClaimed."""
    reason = _refusal_reason(lead, at=at)
    if reason:
        raise NotClaimed(None, reason)
    row = Lead.objects.filter(pk=lead.id, status=lead.status, locked_by="")
    claimed = row.update(
        status=LeadStatus.CALLING, next_attempt_at=None, due_reason="", locked_by=owner, locked_at=at
    )
    if claimed != 1:
        raise NotClaimed(None, "it changed at the same time")
    enqueue_leads_after_commit(lead.id)
    return Claim(lead.id, lead.public_id, owner, at)


def _refusal_reason(lead: LockedLead, *, at: datetime) -> str:
    """Check the locked row: the caller's own copy may be out of date."""
    if lead.is_paused:
        return "it is paused"
    if lead.expires_at <= at:
        return "it has expired"
    if lead.status == LeadStatus.GATED:
        return ""
    if lead.status != LeadStatus.PENDING or lead.next_attempt_at is None:
        return f'it is not waiting: its status is "{LeadStatus(lead.status).label}"'
    return "it is not due" if lead.next_attempt_at > at else ""


def _lock_claimed(claim: Claim) -> LeadToEnd:
    lead = lock_claimed_lead(claim.lead_id, owner=claim.owner, locked_at=claim.locked_at)
    if lead is None:
        raise _lost(claim.lead_id, owner=claim.owner)
    return lead


def _lost(lead_id: int, *, owner: str) -> ClaimLost:
    LEASES_LOST.inc()
    logger.warning("routing.lease_lost", extra={"lead_row": lead_id, "owner": owner})
    return ClaimLost(lead_id, owner=owner)


def _since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 3)

"""Claims on leads, for work with outside effects, such as a call.

    claim_locked (the caller commits `calling`, the owner and the time) -> the work, outside any transaction, renews
        -> release, or end_of_claim for an attempt that failed
        `-> the owner died: `reconcile stale_locks` ends the claim

A rollback cannot undo outside effects, so the claim is committed before them. Every later write compares the owner, so
a write by an owner whose claim has ended is refused. No two claims have the same owner.
"""

import logging
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db.models import QuerySet

from routing.dispatch.enqueue import enqueue_leads_after_commit
from routing.leads.abandoned import Abandoned
from routing.leads.finish import VERIFICATION_REQUIRED
from routing.locks.attempts import LockedLead
from routing.locks.leads_to_end import LeadToEnd
from routing.metrics.leads import LEASES_LOST
from routing.models import UNFINISHED, VERIFIED, Lead, LeadStatus, LeadVerification
from routing.retry import next_step
from tracing.skip_reasons import SKIP_REASONS

logger = logging.getLogger(__name__)

# Reason of the last try -> reason with which the lead is parked.
LAST_REASON: Final = {"lock_expired": "worker_lost"}


class NotClaimed(Exception):
    """The lead cannot be claimed now, because of its state."""


class ClaimLost(Exception):
    """Another owner has the lead, or it has finished. Nothing was written."""

    def __init__(self, lead_id: int, *, owner: str) -> None:
        super().__init__(f'"{owner}" no longer has lead {lead_id}')


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

    `owner`: whose claim it is, "" for a gated lead without one. `verification`: what is known of the person now. None:
    as before. Raises ClaimLost, and then the caller's transaction must roll back.
    """
    known: dict[str, Any] = {} if verification is None else {"verification": verification}
    if verification in VERIFIED:
        known["verified_at"] = at
    row = _owned(lead_id, owner=owner).filter(status__in=(LeadStatus.CALLING, LeadStatus.GATED))
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
    """Note that the owner still works. Without it, `reconcile stale_locks` ends the claim. False: it has ended."""
    return _owned(lead_id, owner=owner).filter(status=LeadStatus.CALLING).update(locked_at=at) == 1


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


def claim_locked(lead: LockedLead, *, owner: str, at: datetime) -> None:
    """Claim a lead within an open transaction, which holds its lock. Raises NotClaimed.

    `owner`: a name that no other claim has ever.
    """
    reason = _refusal_reason(lead, at=at)
    if reason:
        raise NotClaimed(reason)
    row = Lead.objects.filter(pk=lead.id, status=lead.status, locked_by="")
    claimed = row.update(
        status=LeadStatus.CALLING, next_attempt_at=None, due_reason="", locked_by=owner, locked_at=at
    )
    if claimed != 1:
        raise NotClaimed("it changed at the same time")
    enqueue_leads_after_commit(lead.id)


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


def _owned(lead_id: int, *, owner: str) -> QuerySet[Lead]:
    """The fence."""
    return Lead.objects.filter(pk=lead_id, locked_by=owner)


def _lost(lead_id: int, *, owner: str) -> ClaimLost:
    LEASES_LOST.inc()
    logger.warning("routing.lease_lost", extra={"lead_row": lead_id, "owner": owner})
    return ClaimLost(lead_id, owner=owner)

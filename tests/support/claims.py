"""Claims as calls make and end them, each step in a transaction of its own."""

from datetime import datetime

from django.db import transaction

from routing.leads.abandoned import end_attempts, log_attempts
from routing.leads.claim import claim_locked, end_of_claim, release
from routing.locks.attempts import lock_lead
from routing.locks.leads_to_end import lock_unverified_lead
from routing.models import LeadStatus


def claim(lead_id: int, *, owner: str) -> None:
    """Raises NotClaimed."""
    with transaction.atomic():
        lead = lock_lead(lead_id)
        assert lead is not None
        claim_locked(lead, owner=owner, at=lead.locked_at)


def complete(
    lead_id: int,
    *,
    owner: str,
    status: LeadStatus,
    at: datetime,
    next_attempt_at: datetime | None = None,
    due_reason: str = "",
) -> None:
    """Raises ClaimLost."""
    with transaction.atomic():
        lock_unverified_lead(lead_id)
        release(
            lead_id,
            owner=owner,
            status=status,
            at=at,
            next_attempt_at=next_attempt_at,
            due_reason=due_reason,
        )


def fail(lead_id: int, *, owner: str, at: datetime) -> datetime | None:
    """End the attempt as after failed work. Returns when the lead is due again."""
    with transaction.atomic():
        lead = lock_unverified_lead(lead_id)
        assert lead is not None
        assert lead.locked_by == owner
        attempt = end_of_claim(lead, reason="internal_error", at=at)
        lines = end_attempts([attempt], at=at, owner=owner)
    log_attempts(lines)
    return attempt.step.due_at

"""Makes a lead due now because a person asks for it. The attempt itself meets every guard, as any other does."""

from datetime import datetime
from typing import Final

from django.db import connection, transaction

from routing.handon import hand_on_later
from routing.locks import wait_for_lead
from routing.models import Lead, LeadStatus

DUE_REASON: Final = "manual"

MAKE_DUE: Final = """
UPDATE routing_lead
SET status = 'pending', next_attempt_at = %s, due_reason = %s, finished_at = NULL,
    conflicts = CASE status WHEN 'failed' THEN 0 ELSE conflicts END,
    errors = CASE status WHEN 'failed' THEN 0 ELSE errors END,
    lost_leases = CASE status WHEN 'failed' THEN 0 ELSE lost_leases END
WHERE id = %s AND status = %s
"""

WHY_NOT: Final = {
    LeadStatus.CALLING: "a verification call is out; wait for its end",
    LeadStatus.GATED: "it waits for its verification",
    LeadStatus.OFFERED: "it is offered to buyers; wait for the window's end",
    LeadStatus.DISTRIBUTED: "it is sold",
    LeadStatus.EXPIRED: "its time to live is over",
    LeadStatus.CANCELLED: "it was cancelled",
}


# A duplicate may be tried again: its attempt looks anew for who came first, who may have ended unsold meanwhile.
MAY_RUN_AGAIN: Final = (LeadStatus.FAILED, LeadStatus.PENDING, LeadStatus.DUPLICATE)


class RerunRefused(Exception):
    """The lead cannot be run again. The message says why."""


def rerun_lead(lead_id: int, *, at: datetime) -> None:
    """Make a failed or waiting lead, or a duplicate, due at `at`, and hand it on once this has committed.

    A failed one gets all its tries anew. Waits for whoever has the lead's lock, up to lock_timeout.
    Raises RerunRefused, Lead.DoesNotExist.
    """
    with transaction.atomic():
        wait_for_lead(lead_id)
        lead = Lead.objects.only("status", "paused_at", "expires_at").get(pk=lead_id)
        _refuse(lead, at=at)
        with connection.cursor() as cursor:
            cursor.execute(MAKE_DUE, [at, DUE_REASON, lead_id, lead.status])
        hand_on_later(lead_id)


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

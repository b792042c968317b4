"""Ends the retries of a lead because a person says so: it is parked as failed, and may be run again by hand.

No change of a buyer or campaign wakes it.
"""

from datetime import datetime
from typing import Final

from django.db import connection, transaction

from routing.dispatch.enqueue import enqueue_leads_after_commit
from routing.locks import wait_for_lead
from routing.models import Lead, LeadStatus
from routing.models.wakeup import GIVEN_UP

# What its last attempt said stays; it leaves the schedule with its due time.
GIVE_UP: Final = """
UPDATE routing_lead
SET status = 'failed', next_attempt_at = NULL, due_reason = %s, paused_at = NULL, finished_at = %s
WHERE id = %s AND status = 'pending' AND attempts > 0
"""


class GiveUpRefused(Exception):
    """The lead is not in the retry queue. The message says why."""


def give_up_lead(lead_id: int, *, at: datetime) -> None:
    """Waits for whoever has the lead's lock, up to lock_timeout. Raises GiveUpRefused, Lead.DoesNotExist."""
    with transaction.atomic():
        wait_for_lead(lead_id)
        reason = why_not(Lead.objects.only("status", "attempts").get(pk=lead_id))
        if reason:
            raise GiveUpRefused(reason)
        with connection.cursor() as cursor:
            cursor.execute(GIVE_UP, [GIVEN_UP, at, lead_id])
        enqueue_leads_after_commit(lead_id)


def why_not(lead: Lead) -> str:
    """Why this lead would be refused; "" when its retries can be ended."""
    if lead.status != LeadStatus.PENDING:
        return f"it does not wait for a retry: it is {LeadStatus(lead.status).label}"
    return "" if lead.attempts else "it waits for its first attempt; cancel it instead"

"""Cancels a lead that is not finished: it is not sold."""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from routing.dispatch.enqueue import enqueue_leads_after_commit
from routing.locks import wait_for_lead
from routing.models import UNFINISHED, Lead, LeadStatus

MAX_REASON: Final = 200

CANCEL: Final = """
UPDATE routing_lead
SET status = 'cancelled', next_attempt_at = NULL, due_reason = '', paused_at = NULL, finished_at = %s,
    cancel_reason = %s, locked_by = '', locked_at = NULL
WHERE id = %s AND status = %s
"""


class LeadNotFound(Exception):
    """The source sent no such lead."""


class LeadFinished(Exception):
    """It is too late: the lead has ended as `status`."""

    def __init__(self, status: str) -> None:
        super().__init__(f"the lead has ended as {status}")
        self.status = status


def cancel_lead(public_id: UUID, *, source_id: int, reason: str = "", at: datetime | None = None) -> int:
    """Cancel a lead that the source sent. Again is no error, and keeps the first reason. Returns the lead's id.

    Waits for the lead's lock, up to lock_timeout. Raises LeadNotFound, LeadFinished.
    """
    lead = Lead.objects.filter(public_id=public_id, source_id=source_id)
    lead_id = lead.values_list("id", flat=True).first()
    if lead_id is None:
        raise LeadNotFound
    with transaction.atomic():
        status = wait_for_lead(lead_id)
        if status == LeadStatus.CANCELLED:
            return lead_id
        if status not in UNFINISHED:
            raise LeadFinished(str(status))
        with connection.cursor() as cursor:
            cursor.execute(CANCEL, [at or datetime.now(UTC), reason, lead_id, status])
        enqueue_leads_after_commit(lead_id)  # it leaves the schedule too
    return lead_id

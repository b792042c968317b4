"""Counts the workers that were lost with a lead, one after the other, and parks the lead after too many of them."""

import logging
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import connection, transaction

from routing import metrics
from routing.closing import close_attempt
from routing.locks import LockedLead, lock_lead
from routing.models import LeadStatus
from tracing.models import AttemptResult, AttemptTrigger
from tracing.recorder import AttemptEnd, AttemptHead, Recorder, new_attempt_id
from tracing.vocabulary import Event

logger = logging.getLogger(__name__)

REASON: Final = "worker_lost"
# `attempts`: had another worker finished the lead meanwhile, nobody would be lost with it in a row.
COUNT: Final = """
UPDATE routing_lead SET lost_leases = lost_leases + 1 WHERE id = %s AND status = 'pending' AND attempts = %s
RETURNING lost_leases
"""


def count_loss(lead_id: int, *, attempts: int) -> bool:
    """Count one more worker that was lost with a lead after so many attempts. Returns whether it was given up.

    Leaves a lead alone that somebody works on by now.
    """
    with transaction.atomic():
        lead = lock_lead(lead_id)
        if lead is None:
            return False
        with connection.cursor() as cursor:
            cursor.execute(COUNT, [lead_id, attempts])
            row = cursor.fetchone()
        if row is None or row[0] < settings.LEADSWITCH_MAX_LOST_LEASES or lead.is_paused:
            return False
        _park(lead, losses=row[0])
    metrics.LEADS_GIVEN_UP.inc()
    logger.error("routing.lead_given_up", extra={"lead_id": str(lead.public_id), "losses": row[0]})
    return True


def _park(lead: LockedLead, *, losses: int) -> None:
    """Write the attempt that no worker lived to write. Nothing was charged: each rolled back with its worker."""
    at = lead.locked_at
    recorder = Recorder(
        AttemptHead(
            id=new_attempt_id(),
            lead_id=lead.id,
            number=lead.attempts + 1,
            trigger=_trigger(lead).value,
            source_workspace_id=lead.source_workspace_id,
            started_at=at,
            worker="",
        )
    )
    result = AttemptResult.FAILED.value
    recorder.add(Event.FAILED, outcome=result, reason=REASON, data={"losses": losses, "due_at": None})
    close_attempt(
        lead.id,
        workspace_id=lead.workspace_id,
        status=LeadStatus.FAILED,
        skip_reason=REASON,
        attempts=lead.attempts + 1,
        next_attempt_at=None,
        at=at,
    )
    duration_ms = recorder.elapsed_ms
    recorder.write(
        AttemptEnd(
            result=result,
            finished_at=at + timedelta(milliseconds=duration_ms),
            duration_ms=duration_ms,
            skip_reason=REASON,
            destination_workspace_id=lead.workspace_id,
        )
    )


def _trigger(lead: LockedLead) -> AttemptTrigger:
    if lead.due_reason == AttemptTrigger.MANUAL:
        return AttemptTrigger.MANUAL
    return AttemptTrigger.RETRY if lead.attempts else AttemptTrigger.INGEST

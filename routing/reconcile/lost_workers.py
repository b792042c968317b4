"""Counts the workers in a row that were lost with a lead, and ends the lead as failed after too many of them."""

import logging
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db import connection, transaction

from routing import metrics
from routing.leads.abandoned import Abandoned, end_attempts, log_attempts
from routing.locks import lock_waiting_lead
from routing.models import LeadStatus
from routing.queries import read_clock
from routing.retry import NextStep
from tracing.models import AttemptResult

logger = logging.getLogger(__name__)

REASON: Final = "worker_lost"
OWNER: Final = "reconcile:inflight"
# `attempts`: if another worker has finished an attempt since, the loss is not in a row.
COUNT: Final = """
UPDATE routing_lead SET lost_leases = lost_leases + 1 WHERE id = %s AND attempts = %s
RETURNING lost_leases, next_attempt_at
"""


def count_lost_worker(lead_id: int, *, attempts: int, due_at: datetime | None, owner: str = OWNER) -> bool:
    """Count one more worker that was lost with a lead after this many attempts. Returns whether the lead was ended.

    Ignores a lead that is in progress or paused. A lead that is no longer due at `due_at` was requested again since its
    worker was lost, so it gets another try. The lost attempts charged nothing: each was rolled back with its worker.
    One attempt is written here for all of them.
    """
    with transaction.atomic(durable=True):
        lead = lock_waiting_lead(lead_id)
        if lead is None:
            return False
        with connection.cursor() as cursor:
            cursor.execute(COUNT, [lead_id, attempts])
            row = cursor.fetchone()
        if row is None or row[0] < settings.LEADSWITCH_MAX_LOST_LEASES or row[1] != due_at:
            return False
        step = NextStep(AttemptResult.FAILED, None)
        ending = Abandoned(lead, LeadStatus.FAILED, REASON, step, details={"lost_workers": row[0]})
        lines = end_attempts([ending], at=read_clock(), owner=owner)
    log_attempts(lines)
    metrics.LEADS_GIVEN_UP.inc()
    logger.error("routing.lead_given_up", extra={"lead_id": str(lead.public_id), "lost_workers": row[0]})
    return True

"""Counts the workers in a row that were lost with a lead, and ends the lead as failed after too many of them."""

import logging
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import F

from routing.leads.abandoned import Abandoned, end_attempts, log_attempts
from routing.locks.leads_to_end import lock_waiting_lead
from routing.metrics.dispatch import LEADS_GIVEN_UP
from routing.models import Lead, LeadStatus
from routing.queries import read_clock
from routing.retry import NextStep
from tracing.models import AttemptResult

logger = logging.getLogger(__name__)

REASON: Final = "worker_lost"
OWNER: Final = "reconcile:inflight"


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
        # If another worker has finished an attempt since, the losses are not in a row.
        counted = Lead.objects.filter(pk=lead_id, attempts=attempts)
        if not counted.update(lost_leases=F("lost_leases") + 1):
            return False
        lost, next_attempt_at = counted.values_list(
            "lost_leases", "next_attempt_at"
        ).get()  # under the row's lock
        if lost < settings.LEADSWITCH_MAX_LOST_LEASES or next_attempt_at != due_at:
            return False
        step = NextStep(AttemptResult.FAILED, None)
        ending = Abandoned(lead, LeadStatus.FAILED, REASON, step, details={"lost_workers": lost})
        lines = end_attempts([ending], at=read_clock(), owner=owner)
    log_attempts(lines)
    LEADS_GIVEN_UP.inc()
    logger.error("routing.lead_given_up", extra={"lead_id": str(lead.public_id), "lost_workers": lost})
    return True

"""Ends unfinished leads that have expired and are not running: paused ones, gated ones, ones that wait.

A lead in an attempt expires by itself. Finished leads are not changed, and a claimed lead belongs to its owner until
the claim ends.
"""

from datetime import datetime
from typing import Final

from django.conf import settings
from django.db import connection, transaction

from routing.leads.abandoned import Abandoned, end_attempts, log_attempts
from routing.locks.leads_to_end import lock_expired_leads
from routing.models import LeadStatus
from routing.queries import read_clock
from routing.retry import NextStep
from tracing.models import AttemptResult
from tracing.reconciling import MAX_NAMED, Counts, in_batches, name_rows

OWNER: Final = "reconcile:expiry"

COUNT: Final = f"""
SELECT count(*), (array_agg(id))[1:{MAX_NAMED}] FROM (
    SELECT id FROM routing_lead
    WHERE status IN ('pending', 'gated', 'offered') AND expires_at <= statement_timestamp()
    LIMIT %s
) over
"""  # noqa: S608 - only a constant is put in


def run(*, fix: bool, limit: int) -> Counts:
    if fix:
        return in_batches(_expire, limit=limit, size=settings.LEADSWITCH_TUNING.expiry_batch_leads)
    with connection.cursor() as cursor:
        cursor.execute(COUNT, [limit])
        over, ids = cursor.fetchone()
    return Counts(checked=over, skipped=over, named=name_rows("lead", ids or ()))


def _expire(after: datetime | None, count: int) -> tuple[Counts, datetime | None]:
    """Expired leads no longer match the search; `after` gives all batches of a run the same time."""
    with transaction.atomic(durable=True):
        at = after or read_clock()
        step = NextStep(AttemptResult.EXPIRED, None)
        endings = [
            Abandoned(lead, LeadStatus.EXPIRED, "lead_expired", step)
            for lead in lock_expired_leads(at=at, limit=count)
        ]
        lines = end_attempts(endings, at=at, owner=OWNER)
    log_attempts(lines)
    named = name_rows("lead", (each.lead.id for each in endings))
    counts = Counts(checked=len(endings), repaired=len(endings), named=named)
    return counts, at if len(endings) == count else None

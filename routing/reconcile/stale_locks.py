"""Ends claims whose owner has died or has exceeded its time.

The lead is due again after a while. After as many lost workers in a row as its workspace allows, it ends as failed. If
the owner comes back, its write is refused (routing/leads/claim.py).
"""

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import connection, transaction

from routing.leads.abandoned import end_attempts, log_attempts
from routing.leads.claim import end_of_claim
from routing.locks.leads_to_end import lock_stale_leads
from routing.queries import read_clock
from tracing.reconciling import MAX_NAMED, Counts, in_batches, name_rows

OWNER: Final = "reconcile:stale_locks"
REASON: Final = "lock_expired"

COUNT: Final = f"""
SELECT count(*), (array_agg(id))[1:{MAX_NAMED}] FROM (
    SELECT id FROM routing_lead
    WHERE status = 'calling' AND locked_at < statement_timestamp() - make_interval(secs => %s)
    LIMIT %s
) stale
"""  # noqa: S608 - only a constant is put in


def run(*, fix: bool, limit: int) -> Counts:
    if fix:
        return in_batches(_end, limit=limit, size=settings.LEADSWITCH_TUNING.stale_locks_batch_leads)
    with connection.cursor() as cursor:
        cursor.execute(COUNT, [settings.LEADSWITCH_CLAIM_MAX_SECONDS, limit])
        stale, ids = cursor.fetchone()
    return Counts(checked=stale, skipped=stale, named=name_rows("lead", ids or ()))


def _end(after: datetime | None, count: int) -> tuple[Counts, datetime | None]:
    with transaction.atomic(durable=True):
        at = after or read_clock()
        before = at - timedelta(seconds=settings.LEADSWITCH_CLAIM_MAX_SECONDS)
        held = lock_stale_leads(before=before, limit=count)
        endings = [end_of_claim(lead, reason=REASON, at=at) for lead in held]
        lines = end_attempts(endings, at=at, owner=OWNER)
    log_attempts(lines)
    named = name_rows("lead", (lead.id for lead in held))
    counts = Counts(checked=len(held), repaired=len(held), named=named)
    return counts, at if len(held) == count else None

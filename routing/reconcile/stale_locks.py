"""Ends claims whose owner has died or has exceeded its time.

The lead is due again after a while. After as many lost workers in a row as its workspace allows, it ends as failed. If
the owner comes back, its write is refused (routing/leads/claim.py).

A call is never ended on time alone: its claim is renewed while it is out. Only a lead whose call has ended or is gone
moves on, as after that call.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, cast

from django.conf import settings
from django.db import connection, transaction
from django.utils.module_loading import import_string

from routing.leads.abandoned import end_attempts, log_attempts
from routing.leads.attempt_log import AttemptLine
from routing.leads.claim import end_of_claim
from routing.locks.leads_to_end import LeadToEnd, lock_stale_leads
from routing.queries import read_clock
from tracing.reconciling import MAX_NAMED, Counts, in_batches, name_rows

OWNER: Final = "reconcile:stale_locks"
REASON: Final = "lock_expired"
# How calls begin the names of their claims.
OF_CALLS: Final = "call:"

# Ends the claim of a call under the lead's lock. None: the call is out, and the claim was renewed.
CallHook = Callable[..., Sequence[AttemptLine] | None]

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
        others = [lead for lead in held if not lead.locked_by.startswith(OF_CALLS)]
        lines = end_attempts(
            [end_of_claim(lead, reason=REASON, at=at) for lead in others], at=at, owner=OWNER
        )
        called = _end_calls([lead for lead in held if lead.locked_by.startswith(OF_CALLS)], at=at)
    log_attempts([*lines, *(line for _, each in called for line in each)])
    ended = [*others, *(lead for lead, _ in called)]
    named = name_rows("lead", (lead.id for lead in ended))
    counts = Counts(checked=len(held), repaired=len(ended), named=named)
    return counts, at if len(held) == count else None


def _end_calls(leads: Sequence[LeadToEnd], *, at: datetime) -> list[tuple[LeadToEnd, Sequence[AttemptLine]]]:
    """Those whose call has ended or is gone. The others keep their claims."""
    end = cast("CallHook", import_string(settings.LEADSWITCH_CALL_CLAIM_HOOK))
    ended = [(lead, end(lead, at=at)) for lead in leads]
    return [(lead, lines) for lead, lines in ended if lines is not None]

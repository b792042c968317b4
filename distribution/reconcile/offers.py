"""Finds offers and leads that do not fit each other: a lead is offered exactly while it has an open offer.

Attempts, claims and a trigger keep them together. What is found here came from a restored backup or from SQL by hand.
"""

from dataclasses import replace
from typing import Final

from django.db import connection, transaction

from routing.dispatch.enqueue import enqueue_leads_after_commit
from routing.locks.attempts import wait_for_lead
from tracing.reconciling import Counts, in_batches, name_rows

LEADS_PER_BATCH: Final = 100

# An auction ends before its time when all bids are in.
_IS_DUE_AT_ANOTHER_TIME: Final = """(
    l.due_reason = 'offer_closes'
    AND (l.next_attempt_at > o.closes_at OR l.next_attempt_at < o.closes_at AND o.kind <> 'auction')
)"""
# An attempt that failed to close the offer is tried again later, for another reason than the end of the offer.
UNFIT: Final = f"""
SELECT l.id FROM routing_lead l
LEFT JOIN distribution_offer o ON o.lead_id = l.id AND o.state = 'open'
WHERE l.status = 'offered' AND (
    o.id IS NULL OR {_IS_DUE_AT_ANOTHER_TIME}
)
UNION
SELECT o.lead_id FROM distribution_offer o JOIN routing_lead l ON l.id = o.lead_id
WHERE o.state = 'open' AND l.status <> 'offered'
ORDER BY 1 LIMIT %s
"""  # noqa: S608 - only a condition is put in
# Read from an index of open offers alone.
COUNT: Final = "SELECT count(*) FROM distribution_offer WHERE state = 'open'"
# Each repairs one kind, and changes nothing on a lead that fits.
# A lead that buyers have claimed goes on with its fallback, as after the answer of a buyer's system.
REOPEN: Final = """
UPDATE routing_lead l SET status = 'pending', next_attempt_at = clock_timestamp(), due_reason = '',
    posting_since = COALESCE(l.posting_since, CASE WHEN l.is_partly_sold THEN clock_timestamp() END)
WHERE l.id = %s AND l.status = 'offered'
    AND NOT EXISTS (SELECT FROM distribution_offer o WHERE o.lead_id = l.id AND o.state = 'open')
"""
MOVE: Final = f"""
UPDATE routing_lead l SET next_attempt_at = o.closes_at FROM distribution_offer o
WHERE l.id = %s AND l.status = 'offered' AND o.lead_id = l.id AND o.state = 'open' AND {_IS_DUE_AT_ANOTHER_TIME}
"""  # noqa: S608 - only a condition is put in
CLOSE: Final = """
UPDATE distribution_offer o SET state = 'closed', closed_at = clock_timestamp(), end_reason = 'canceled'
FROM routing_lead l WHERE o.lead_id = %s AND o.state = 'open' AND l.id = o.lead_id AND l.status <> 'offered'
"""


def run(*, fix: bool, limit: int) -> Counts:
    def step(_: int | None, count: int) -> tuple[Counts, int | None]:
        found = _find(count)
        repaired = [lead_id for lead_id in found if fix and _repair(lead_id)]
        counts = Counts(len(found), len(repaired), len(found) - len(repaired), name_rows("lead", found))
        return counts, found[-1] if fix and len(found) == count else None

    read = _count()  # before any is repaired
    return replace(in_batches(step, limit=limit, size=LEADS_PER_BATCH), checked=read)


def _count() -> int:
    with connection.cursor() as cursor:
        cursor.execute(COUNT)
        [number] = cursor.fetchone()
    return int(number)


def _find(count: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(UNFIT, [count])
        return [lead_id for (lead_id,) in cursor.fetchall()]


def _repair(lead_id: int) -> bool:
    """Returns whether anything was changed: an attempt may have ended the offer since it was found."""
    with transaction.atomic():
        wait_for_lead(lead_id)
        with connection.cursor() as cursor:
            changed = 0
            for sql in (REOPEN, MOVE, CLOSE):
                cursor.execute(sql, [lead_id])
                changed += cursor.rowcount
        enqueue_leads_after_commit(lead_id)
    return changed > 0

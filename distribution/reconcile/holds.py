"""Ends holds whose delivery has ended without them. It looks at the delivery; no hold ends because it is old.

A hold whose delivery waits for an answer, or for a person, is left alone. So is one whose buyer may have the lead
although its delivery was canceled: a person must decide.
"""

from typing import Final, NamedTuple

from django.db import connection, transaction

from distribution.attempts.settle import NO_ENDPOINT, accept_sale, reject_sale
from distribution.models import DeliveryState
from routing.queries import read_clock
from tracing.reconciling import Counts, in_batches, name_rows

HOLDS_PER_BATCH: Final = 100

# A hold and its delivery are written by one statement, and the answer ends both in one transaction.
OPEN_HOLDS: Final = """
SELECT d.id AS assignment_id, COALESCE(t.state, ''), COALESCE(t.end_reason, ''),
    EXISTS (
        SELECT FROM distribution_delivery e JOIN distribution_deliverytry y ON y.delivery_id = e.id
        WHERE e.assignment_id = d.id AND y.outcome <> 'not_sent'
    )
FROM distribution_assignment d
LEFT JOIN LATERAL (
    SELECT e.state, e.end_reason FROM distribution_delivery e
    WHERE e.assignment_id = d.id AND e.is_direct_post ORDER BY e.id DESC LIMIT 1
) t ON true
WHERE d.state = 'held' AND d.id > %s
ORDER BY d.id
LIMIT %s
"""
WAITING: Final = (DeliveryState.PENDING, DeliveryState.POSTING, DeliveryState.UNKNOWN)


class OpenHold(NamedTuple):
    """One row of OPEN_HOLDS, in the order of its columns.

    `state`: of its delivery; "" without one. `may_have_lead`: a try went out, so the buyer may have the lead.
    """

    assignment_id: int
    state: str
    end_reason: str
    may_have_lead: bool

    @property
    def is_waiting(self) -> bool:
        return self.state in WAITING

    @property
    def can_end(self) -> bool:
        return self.state in (DeliveryState.ACCEPTED, DeliveryState.REJECTED) or not self.may_have_lead


def run(*, fix: bool, limit: int) -> Counts:
    def settle(after: int | None, count: int) -> tuple[Counts, int | None]:
        holds = _read(after or 0, count)
        left_over = [hold for hold in holds if not hold.is_waiting]
        repaired = [hold for hold in left_over if fix and hold.can_end and _settle(hold)]
        named = name_rows("hold", (hold.assignment_id for hold in left_over))
        counts = Counts(len(holds), len(repaired), len(left_over) - len(repaired), named)
        return counts, holds[-1].assignment_id if len(holds) == count else None

    return in_batches(settle, limit=limit, size=HOLDS_PER_BATCH)


def _read(after: int, count: int) -> list[OpenHold]:
    with connection.cursor() as cursor:
        cursor.execute(OPEN_HOLDS, [after, count])
        return [OpenHold(*row) for row in cursor.fetchall()]


def _settle(hold: OpenHold) -> bool:
    """Return False if another process has just ended the hold: it is checked again under its lead's lock."""
    at = read_clock()
    with transaction.atomic():
        if hold.state == DeliveryState.ACCEPTED:
            return accept_sale(hold.assignment_id, at=at).is_new
        reason = hold.end_reason if hold.state == DeliveryState.REJECTED else NO_ENDPOINT
        return reject_sale(hold.assignment_id, reason=reason, at=at).is_new

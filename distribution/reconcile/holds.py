"""Ends holds whose delivery has ended without them, and those that timed out before anything was sent.

A hold whose delivery is being sent, or waits for a person, is left alone however old it is. So is one whose buyer may
have the lead although its delivery was canceled: a person must decide.
"""

from datetime import datetime
from typing import Final, NamedTuple

from django.db import connection, transaction

from distribution.attempts.sell import HOLD_GRACE
from distribution.attempts.settle import NO_ENDPOINT, accept_sale, reject_sale
from distribution.deliveries.expiring import end_expired_post
from distribution.models import DeliveryState
from routing.queries import read_clock
from tracing.reconciling import Counts, in_batches, name_rows

HOLDS_PER_BATCH: Final = 100

# A hold and its delivery are written by one statement, and the answer ends both in one transaction. A test sale has no
# entry, and the older version wrote no timeout: they time out as a new hold would.
OPEN_HOLDS: Final = f"""
SELECT d.id AS assignment_id, COALESCE(t.state, ''), COALESCE(t.end_reason, ''),
    EXISTS (
        SELECT FROM distribution_delivery e JOIN distribution_deliverytry y ON y.delivery_id = e.id
        WHERE e.assignment_id = d.id AND y.outcome <> 'not_sent'
    ),
    COALESCE(h.expires_at, COALESCE(h.created_at, d.created_at) + {HOLD_GRACE}
        + make_interval(secs => c.post_deadline_seconds)) <= %(at)s
FROM distribution_assignment d
JOIN distribution_campaign c ON c.id = d.campaign_id
LEFT JOIN distribution_ledgerentry h ON h.assignment_id = d.id AND h.kind = 'hold'
LEFT JOIN LATERAL (
    SELECT e.state, e.end_reason FROM distribution_delivery e
    WHERE e.assignment_id = d.id AND e.is_direct_post ORDER BY e.id DESC LIMIT 1
) t ON true
WHERE d.state = 'held' AND d.id > %(after)s
ORDER BY d.id
LIMIT %(count)s
"""  # noqa: S608 - only a constant is put in
WAITING: Final = (DeliveryState.PENDING, DeliveryState.POSTING, DeliveryState.UNKNOWN)


class OpenHold(NamedTuple):
    """One row of OPEN_HOLDS, in the order of its columns.

    `state`: of its delivery; "" without one. `may_have_lead`: a try went out, so the buyer may have the lead.
    """

    assignment_id: int
    state: str
    end_reason: str
    may_have_lead: bool
    is_past_time_out: bool

    @property
    def is_expired(self) -> bool:
        return self.is_past_time_out and self.state == DeliveryState.PENDING and not self.may_have_lead

    @property
    def is_left_over(self) -> bool:
        return self.is_expired or self.state not in WAITING

    @property
    def can_end(self) -> bool:
        return self.state in (DeliveryState.ACCEPTED, DeliveryState.REJECTED) or not self.may_have_lead


def run(*, fix: bool, limit: int) -> Counts:
    def settle(after: int | None, count: int) -> tuple[Counts, int | None]:
        holds = _read(after or 0, count, at=read_clock())
        left_over = [hold for hold in holds if hold.is_left_over]
        repaired = [hold for hold in left_over if fix and hold.can_end and _settle(hold)]
        named = name_rows("hold", (hold.assignment_id for hold in left_over))
        counts = Counts(len(holds), len(repaired), len(left_over) - len(repaired), named)
        return counts, holds[-1].assignment_id if len(holds) == count else None

    return in_batches(settle, limit=limit, size=HOLDS_PER_BATCH)


def _read(after: int, count: int, *, at: datetime) -> list[OpenHold]:
    with connection.cursor() as cursor:
        cursor.execute(OPEN_HOLDS, {"after": after, "count": count, "at": at})
        return [OpenHold(*row) for row in cursor.fetchall()]


def _settle(hold: OpenHold) -> bool:
    """Return False if another process has just ended the hold: it is checked again under its lead's lock."""
    at = read_clock()
    if hold.is_expired:
        return end_expired_post(hold.assignment_id, at=at)
    with transaction.atomic():
        if hold.state == DeliveryState.ACCEPTED:
            return accept_sale(hold.assignment_id, at=at).is_new
        reason = hold.end_reason if hold.state == DeliveryState.REJECTED else NO_ENDPOINT
        return reject_sale(hold.assignment_id, reason=reason, at=at).is_new

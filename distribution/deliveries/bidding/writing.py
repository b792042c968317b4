"""Writes what buyers answered, and makes the lead of an auction due when all bids are in.

Order of locks: an answer locks its auction, then the buyer's row, as the attempt that closes the auction does. A bid is
written either before the auction is closed, and counts, or after it, and is late.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection

from distribution.deliveries.payloads.bids import BidOutcome, BidReading
from routing.values.personal import hide_personal

# Nothing waits for the disk here: the commit of the sale writes what was committed before it. If PostgreSQL itself is
# lost in between, the auction is closed without these bids, as if they had not come. Set within the statement, which is
# its own transaction: one round trip.
QUIET: Final = "quiet AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))"
# SHARE: the closing attempt waits for a bid that is being written, and other bids do not. A lock that had to wait reads
# the state as it is then.
WRITE: Final = f"""
WITH {QUIET}, auction AS MATERIALIZED (
    SELECT o.id, o.state FROM distribution_offer o, quiet
    WHERE o.id = ANY(%s::bigint[]) ORDER BY o.id FOR SHARE OF o
)
UPDATE distribution_offerbuyer b
SET bid_outcome = CASE
        WHEN r.outcome = 'bid' AND (r.is_late OR auction.state = 'closed') THEN 'late' ELSE r.outcome
    END,
    bid_cents = r.cents, bid_at = CASE WHEN r.cents IS NOT NULL THEN r.at END, bid_reason = r.reason,
    bid_id = r.bid_id, latency_ms = r.latency_ms, asked_at = CASE WHEN NOT r.is_crowded_out THEN b.asked_at END
FROM auction, unnest(
    %s::bigint[], %s::text[], %s::bigint[], %s::timestamptz[], %s::text[], %s::text[], %s::int[], %s::boolean[],
    %s::boolean[]
) AS r(id, outcome, cents, at, reason, bid_id, latency_ms, is_late, is_crowded_out)
WHERE b.id = r.id AND b.bid_outcome = '' AND auction.id = b.offer_id
RETURNING b.bid_outcome
"""  # noqa: S608 - only a constant is put in
# Only while the auction is open: afterwards the lead may be due for another reason.
MAKE_DUE: Final = f"""
WITH {QUIET}
UPDATE routing_lead SET next_attempt_at = clock_timestamp() FROM quiet
WHERE id = %s AND status = 'offered' AND next_attempt_at > clock_timestamp()
    AND EXISTS (SELECT FROM distribution_offer WHERE id = %s AND state = 'open')
"""  # noqa: S608 - only a constant is put in


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One buyer's answer. `id`: its row in the auction. `is_late`: it came after the bid deadline.

    `is_crowded_out`: nobody asked it, for lack of a free thread or request. Its row says so: it has no `asked_at`.
    """

    id: int
    offer_id: int
    reading: BidReading
    at: datetime
    latency_ms: int | None
    is_late: bool
    is_crowded_out: bool = False


def write_bids(answers: Sequence[Answered]) -> list[BidOutcome]:
    """Write answers in one statement. Returns what became of them, without those written before.

    Needs no open transaction.
    """
    readings = [each.reading for each in answers]
    columns: list[list[Any]] = [
        [each.id for each in answers],
        [each.outcome.value for each in readings],
        [each.cents for each in readings],
        [each.at for each in answers],
        [str(hide_personal("bid_reason", each.reason)) for each in readings],
        [each.bid_id for each in readings],
        [each.latency_ms for each in answers],
        [each.is_late for each in answers],
        [each.is_crowded_out for each in answers],
    ]
    with connection.cursor() as cursor:
        cursor.execute(WRITE, [sorted({each.offer_id for each in answers}), *columns])
        return [BidOutcome(outcome) for (outcome,) in cursor.fetchall()]


def make_due(lead_id: int, *, offer_id: int) -> bool:
    """Make the lead due, so that the next attempt closes its auction. Returns whether it was made due.

    Needs no open transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute(MAKE_DUE, [lead_id, offer_id])
        return bool(cursor.rowcount)

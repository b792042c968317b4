"""The bids of a closed auction: as facts of the decision, in the trace, and with their ranks.

A live bid replaces the buyer's standing bid. The standing bid counts when the buyer's system gave no answer that can be
read: not when it declined, and not when it named a price that makes no sense.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db import connection

from distribution.attempts.close_offer import ClosedOffer
from distribution.engine import Decision, LiveFacts
from distribution.engine.bids import DECLINED, UNITS_PER_CENT
from distribution.models.offer import WRITING
from tracing.recorder import Recorder
from tracing.vocabulary import Event

READ: Final = """
SELECT b.buyer_id, b.enrollment_id, b.price_cents, b.bid_cents, b.bid_at, b.bid_outcome, b.bid_reason, b.latency_ms,
    b.returned_bps, b.asked_at, o.closed_at >= o.closes_at, o.closes_at > o.opened_at
FROM distribution_offerbuyer b JOIN distribution_offer o ON o.id = b.offer_id
WHERE b.offer_id = %s ORDER BY b.id
"""
RANK: Final = """
UPDATE distribution_offerbuyer b SET rank = r.rank, rank_value_cents = r.value_cents
FROM unnest(%s::bigint[], %s::int[], %s::bigint[]) AS r(enrollment_id, rank, value_cents)
WHERE b.offer_id = %s AND b.enrollment_id = r.enrollment_id
"""
BIDDING: Final = frozenset({"bid", "standing"})
# Nobody has asked its system: no process did, or there was no free thread or request for it in time.
NOT_ASKED: Final = frozenset({"", "error"})


class Bid(NamedTuple):
    """One row of READ, in the order of its columns.

    `is_left_open`: the process that asks buyers did not close the auction in time. `had_time`: there was time to ask.
    """

    buyer_id: int
    enrollment_id: int
    standing_cents: int | None
    bid_cents: int | None
    bid_at: datetime | None
    outcome: str
    reason: str
    latency_ms: int | None
    returned_bps: int
    asked_at: datetime | None
    is_left_open: bool
    had_time: bool

    @property
    def is_asked(self) -> bool:
        return self.asked_at is not None

    @property
    def was_left_out(self) -> bool:
        """Its system was to be asked, and nobody has asked it."""
        return not self.is_asked and self.outcome in NOT_ASKED

    @property
    def counted(self) -> tuple[int | None, str]:
        """The bid that counts, and what became of the buyer."""
        if self.outcome in BIDDING:
            return self.bid_cents, self.outcome
        if self.standing_cents is not None and self.outcome not in DECLINED:
            return self.standing_cents, "standing"
        return None, self._silence

    @property
    def _silence(self) -> str:
        """A blank outcome: no answer was written when the auction closed. If its process is gone, there may be one."""
        if self.was_left_out:
            return "not_asked"
        return self.outcome or ("unknown" if self.is_left_open else "timeout")


@dataclass(frozen=True, slots=True)
class Auction:
    """A closed auction with its bids. `is_new`: this attempt closed it."""

    closed: ClosedOffer
    bids: Sequence[Bid]
    is_new: bool

    @property
    def has_failed(self) -> bool:
        """Buyers' systems were to be asked, and no deliverer asked one of them: no auction took place.

        If the lead expires too soon to ask, its auction is one of standing bids.
        """
        wanted = [each for each in self.bids if (each.was_left_out and each.had_time) or each.is_asked]
        return self.is_new and bool(wanted) and all(each.was_left_out for each in wanted)

    def add_to(self, live: Mapping[int, LiveFacts]) -> dict[int, LiveFacts]:
        """The live facts with the bids. A buyer that was not in the auction has none."""
        by_enrollment = {each.enrollment_id: each for each in self.bids}
        return {
            enrollment_id: _with_bid(facts, by_enrollment[enrollment_id])
            if enrollment_id in by_enrollment
            else facts
            for enrollment_id, facts in live.items()
        }


def _with_bid(facts: LiveFacts, bid: Bid) -> LiveFacts:
    cents, outcome = bid.counted
    return replace(
        facts, bid_cents=cents, bid_at=bid.bid_at, bid_outcome=outcome, returned_bps=bid.returned_bps
    )


def keep_bid(fresh: LiveFacts, before: LiveFacts) -> LiveFacts:
    """Facts that were read again, with the bid of the auction."""
    if not before.bid_outcome and before.bid_cents is None:
        return fresh
    return replace(
        fresh,
        bid_cents=before.bid_cents,
        bid_at=before.bid_at,
        bid_outcome=before.bid_outcome,
        returned_bps=before.returned_bps,
    )


def read_auction(closed: ClosedOffer, *, is_new: bool) -> Auction:
    """Needs a statement after the one that closed it: a bid may have been committed while that waited."""
    with connection.cursor() as cursor:
        cursor.execute(READ, [closed.id])
        return Auction(closed, [Bid(*row) for row in cursor.fetchall()], is_new)


def record_bids(trace: Recorder, auction: Auction, decision: Decision | None) -> None:
    """One event for each buyer of the auction, and its rank. Called once, by the attempt that closes the auction.

    `decision` None: the attempt does not sell by the bids.
    """
    ranking = decision.ranking if decision is not None else ()
    ranks = {enrollment_id: number for number, enrollment_id in enumerate(ranking, start=1)}
    for bid in auction.bids:
        cents, outcome = bid.counted
        trace.add(
            Event.BID_RECEIVED,
            buyer_id=bid.buyer_id,
            cost_cents=cents or 0,
            data=_describe(bid, auction.closed, outcome=outcome, rank=ranks.get(bid.enrollment_id)),
        )
    if decision is not None:
        _write_ranks(auction, decision)


def _describe(bid: Bid, closed: ClosedOffer, *, outcome: str, rank: int | None) -> dict[str, Any]:
    data = {
        "bid_cents": bid.counted[0],
        "answered": _find_answered(bid) if outcome == "standing" else None,
        "latency_ms": bid.latency_ms,
        "waited_ms": _wait_of(bid, closed),
        "rank": rank,
        "reason": bid.reason or None,
    }
    known = {name: value for name, value in data.items() if value is not None}
    return {"offer": str(closed.public_id), "outcome": outcome, **known}


def _wait_of(bid: Bid, closed: ClosedOffer) -> int | None:
    """How long a system had that gave no answer. None: it gave one, or was not asked."""
    if bid.outcome or bid.asked_at is None:
        return None
    return max(0, (closed.closes_at - WRITING - bid.asked_at) // timedelta(milliseconds=1))


def _find_answered(bid: Bid) -> str | None:
    """What its system did, if its standing bid counts instead."""
    if bid.was_left_out:
        return "not_asked"
    return bid.outcome if bid.outcome != "standing" else None


def _write_ranks(auction: Auction, decision: Decision) -> None:
    keys = {each.enrollment_id: each.rank_key for each in decision.selected}
    keys |= {
        skip.enrollment_id: skip.data["rank_key"] for skip in decision.skipped if "rank_key" in skip.data
    }
    if not keys:
        return
    ranked = list(decision.ranking)
    values = [-keys[each][0] // UNITS_PER_CENT for each in ranked]
    numbers = list(range(1, len(ranked) + 1))
    with connection.cursor() as cursor:
        cursor.execute(RANK, [ranked, numbers, values, auction.closed.id])

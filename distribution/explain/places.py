"""A buyer's place in an offer, in words: what it was shown, what became of it, what would have to change. Reads only.

No event says this: a claim may be refused after the offer has ended, and the trace of its attempt is never changed.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from distribution.explain.decisive import CONTINUING_SQL
from distribution.models import OfferKind
from tracing import wording
from tracing.names import Names
from tracing.narrator import describe_change, describe_events, describe_obstacles
from tracing.obstacles import Obstacle, describe_clause, fixer_of
from tracing.skip_reasons import OF_OFFERS, SKIP_REASONS
from tracing.vocabulary import Event

# A lead that ends in another way ends its offer before `closes_at`. An attempt closes it a little later than that.
# NULL: it is open. LEAST alone ignores NULLs.
ENDED_AT: Final = "CASE WHEN o.state = 'closed' THEN LEAST(o.closed_at, o.closes_at) END"
# What the buyer got of this offer without a claim: as the winner of the auction, by the fallback of the attempt that
# closed it, or by hand, which ends it. A later attempt or offer is another chance. Joined as `sale`, one row at most.
SALE: Final = f"""
LEFT JOIN LATERAL (
    SELECT s.state, s.price_cents
    FROM distribution_assignment s
    JOIN tracing_attempt sold ON sold.id = s.attempt_id
    JOIN tracing_attempt opened ON opened.id = o.attempt_id
    WHERE s.lead_id = o.lead_id AND s.buyer_id = b.buyer_id AND sold.number > opened.number AND NOT EXISTS (
        SELECT FROM tracing_attempt other
        WHERE other.lead_id = o.lead_id AND other.number > opened.number AND other.number <= sold.number AND (
            other.trigger NOT IN ({CONTINUING_SQL}) AND (other.id <> sold.id OR o.end_reason <> 'canceled')
            OR other.id <> sold.id AND EXISTS (
                SELECT FROM distribution_offer next
                WHERE next.lead_id = o.lead_id AND next.attempt_id = other.id
            )
        )
    )
    ORDER BY s.id DESC LIMIT 1
) sale ON b.claimed_at IS NULL
"""  # noqa: S608 - constants only
# What counts in an auction: a late bid does not, and a standing bid does then.
BID: Final = """
CASE WHEN b.bid_outcome IN ('bid', 'standing') THEN b.bid_cents
    WHEN b.bid_outcome NOT IN ('no_bid', 'refused') THEN b.price_cents END
"""
# '': the buyer has or had the lead, or may still claim it or bid. A refusal by a gate has the gate's code.
REASON: Final = f"""
CASE
    WHEN b.claimed_at IS NOT NULL OR sale.state <> 'rejected' THEN ''
    WHEN sale.state = 'rejected' AND b.rank IS NOT NULL THEN 'rejected_lead'
    WHEN o.kind = 'auction' AND o.state = 'open' THEN ''
    WHEN o.end_reason = 'canceled' AND b.lost_reason IN ('', 'window_over', 'paused') THEN 'offer_withdrawn'
    WHEN o.kind = 'auction' THEN CASE
        WHEN b.bid_outcome IN ('no_bid', 'refused') THEN 'no_bid'
        WHEN b.asked_at IS NULL AND b.bid_outcome IN ('', 'error') AND (b.price_cents IS NULL OR b.rank IS NULL)
            THEN 'bid_not_asked'
        WHEN {BID} IS NULL THEN CASE
            WHEN b.bid_outcome = 'error' THEN 'no_bid'
            WHEN b.bid_outcome = '' AND o.closed_at >= o.closes_at THEN 'bid_unknown'
            ELSE 'bid_late' END
        WHEN {BID} < o.reserve_cents THEN 'bid_below_reserve'
        ELSE 'outbid' END
    WHEN b.lost_reason = 'taken' THEN 'claim_lost'
    WHEN b.lost_reason = 'window_over' THEN 'claim_late'
    WHEN b.lost_reason = 'paused' THEN 'claim_paused'
    WHEN b.lost_reason = 'not_eligible' THEN 'claim_not_enrolled'
    WHEN b.lost_reason <> '' THEN b.lost_reason
    WHEN o.state = 'open' THEN ''
    WHEN b.visible_at >= {ENDED_AT} THEN 'offer_not_seen'
    ELSE 'offer_not_claimed'
END
"""
# In the order of ExplainedPlace.
COLUMNS: Final = f"""
    b.id, o.public_id, o.kind, o.attempt_id, b.buyer_id, b.tier_position,
    CASE o.kind WHEN 'auction' THEN COALESCE({BID}, b.bid_cents) ELSE b.price_cents END,
    o.opened_at, o.closes_at, {ENDED_AT}, o.end_reason, b.visible_at, b.claimed_at, b.lost_at, b.late_ms,
    o.closes_at <= clock_timestamp(), b.lost_gates::text, b.rank, COALESCE(sale.state, ''), sale.price_cents, {REASON}
"""


class ExplainedPlace(NamedTuple):
    """`ended_at` None: the offer is open. `is_over`: its time has passed; if it is open, it waits to be closed.

    `sale_state`: see SALE; "" without one. `reason`: see REASON.
    """

    id: int
    offer_id: UUID
    kind: str
    attempt_id: UUID
    buyer_id: int
    tier_position: int
    price_cents: int | None
    opened_at: datetime
    closes_at: datetime
    ended_at: datetime | None
    end_reason: str
    visible_at: datetime
    claimed_at: datetime | None
    lost_at: datetime | None
    late_ms: int | None
    is_over: bool
    lost_gates: str
    rank: int | None
    sale_state: str
    sale_cents: int | None
    reason: str

    @property
    def bought_cents(self) -> int | None:
        """What it bought the lead for, or would pay once its system accepts it. None: it did not buy."""
        if self.reason:
            return None
        return self.price_cents if self.claimed_at is not None else self.sale_cents

    @property
    def has_won(self) -> bool:
        """Whether its bid bought the lead, and not the fallback of the auction."""
        return self.rank is not None and self.sale_cents == self.price_cents

    @property
    def head_start_ms(self) -> float:
        """How much later than the first buyers this one saw the lead."""
        return (self.visible_at - self.opened_at) / timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class PlaceStory:
    """`change` and `fixer` are blank while the buyer may still get the lead, and if it got it."""

    sentence: str
    change: str = ""
    fixer: str = ""
    gates: tuple[Obstacle, ...] = ()


@dataclass(slots=True)
class _Refusal:
    """What the narrator reads of an event, for a claim that a gate refused."""

    buyer_id: int
    skip_reason: str
    cost_cents: int | None
    data: Mapping[str, Any]
    seq: int = 0
    event: str = Event.BUYER_SKIPPED
    outcome: str = "skipped"


def describe_place(
    place: ExplainedPlace, *, names: Names, hide: Callable[[Any], Any] = lambda gates: gates
) -> PlaceStory:
    """`hide` removes from the gates what the reader must not see."""
    name = names.buyer(place.buyer_id).name
    if place.reason == "":
        return PlaceStory(f"{name}: {_describe_chance(place)}.")
    if place.reason in OF_OFFERS:
        words = _WORDS.get(place.reason)
        said = words(place) if words else describe_clause(place.reason)
        return PlaceStory(f"{name}: {said}.", _change_of(place), fixer_of(place.reason))
    if place.kind == OfferKind.AUCTION:
        change = SKIP_REASONS[place.reason].change
        return PlaceStory(f"{name}: {describe_clause(place.reason)}.", change, fixer_of(place.reason))
    return _describe_refusal(place, names, hide(json.loads(place.lost_gates)))


def _describe_refusal(place: ExplainedPlace, names: Names, gates: Any) -> PlaceStory:
    """A gate refused the claim."""
    name = names.buyer(place.buyer_id).name
    event = _Refusal(place.buyer_id, place.reason, place.price_cents, {"gates": gates})
    obstacles = tuple(describe_obstacles(event, names=names))
    said = describe_events([event], names=names)[0].removeprefix(f"{name}: ")
    return PlaceStory(
        f"{name}: its claim was refused: {said}",
        describe_change(event, names=names),
        obstacles[0].fixer if obstacles else fixer_of(place.reason),
        obstacles,
    )


def _describe_chance(place: ExplainedPlace) -> str:
    if place.claimed_at is not None:
        after = wording.duration(whole_ms(place.visible_at, place.claimed_at))
        return f"claimed the lead {after} after it was shown"
    if place.sale_cents is not None:
        return _describe_purchase(place)
    until = wording.moment(place.closes_at)
    if place.kind == OfferKind.AUCTION:
        over = f"took part in the auction, whose time was over at {until}. It waits to be closed"
        return over if place.is_over else "takes part in the auction, which is still open"
    if place.is_over:
        return f"{_shown(place)}, and could claim it until {until}. The offer waits to be closed"
    return f"{_shown(place)}, and can claim it until {until}"


def whole_ms(start: datetime, end: datetime) -> int:
    """As the event of a claim measures it."""
    return max(0, (end - start) // timedelta(milliseconds=1))


def _describe_purchase(place: ExplainedPlace) -> str:
    price = wording.money(place.sale_cents or 0)
    asked = ", and its system is asked whether it accepts the lead" if place.sale_state == "held" else ""
    if place.kind == OfferKind.AUCTION and place.has_won:
        return f"won with {price}{asked}"
    after = "auction" if place.kind == OfferKind.AUCTION else "offer"
    if asked:
        return f"chosen for {price} after the {after}{asked}"
    return f"bought the lead for {price} after the {after}"


def _shown(place: ExplainedPlace) -> str:
    price = "" if place.price_cents is None else f" for {wording.money(place.price_cents)}"
    return f"shown the lead{price} from {wording.moment(place.visible_at)}"


def _not_claimed(place: ExplainedPlace) -> str:
    ended = "" if place.ended_at is None else f" before the offer ended at {wording.moment(place.ended_at)}"
    return f"{_shown(place)}, and did not claim it{ended}"


def _claim_lost(place: ExplainedPlace) -> str:
    return f"its claim came {wording.duration(place.late_ms or 0)} after other buyers had claimed the lead"


def _claim_late(place: ExplainedPlace) -> str:
    return f"its claim came {wording.duration(place.late_ms or 0)} after the offer had ended"


def _not_seen(place: ExplainedPlace) -> str:
    ended = "" if place.ended_at is None else f", and the offer ended at {wording.moment(place.ended_at)}"
    return f"its tier would have seen the lead from {wording.moment(place.visible_at)}{ended}"


_WORDS: Final[Mapping[str, Callable[[ExplainedPlace], str]]] = {
    "offer_not_claimed": _not_claimed,
    "claim_lost": _claim_lost,
    "claim_late": _claim_late,
    "offer_not_seen": _not_seen,
}


def _change_of(place: ExplainedPlace) -> str:
    change = SKIP_REASONS[place.reason].change
    if place.reason == "claim_lost" and place.head_start_ms > 0:
        later = wording.span(place.head_start_ms / 1000)
        return f"{change}, or move to an earlier tier: its tier saw the lead {later} after the first one"
    return change

"""Makes a buyer's bid again in the recorded facts of an auction, as if its rules had been others then. Writes nothing.

A standing bid is made again by the changed rules, also for a buyer that had none. An answer of the buyer's system
stays: a bid, or that it does not want the lead. What the system would have answered if it had been asked is not known.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from distribution.attempts.open_auction import find_asked
from distribution.engine import CompiledCampaign, DecisionFacts
from distribution.engine.bids import standing_bid
from distribution.models import BidOutcome

# Results that the bid decides. If that is not known, they are not known either.
DECIDED_BY_BID: Final = frozenset(
    {
        *("", "no_bid", "bid_late", "bid_below_reserve", "below_promised_price"),
        *("outbid", "outranked", "offer_not_claimed"),
    }
)
ANSWERS: Final = frozenset({BidOutcome.BID, BidOutcome.REFUSED})


@dataclass(frozen=True, slots=True)
class Rebid:
    """`is_certain`: the bid of the buyer in `facts` is the one that it would have made."""

    facts: DecisionFacts
    is_certain: bool


class Rebidder:
    """Of one buyer. `was` and `changed`: its campaign without and with the change."""

    def __init__(self, buyer_id: int) -> None:
        self._buyer_id = buyer_id
        self._asked: dict[int, bool] = {}

    def bid(
        self,
        facts: DecisionFacts,
        *,
        enrollment_id: int,
        was: CompiledCampaign,
        changed: CompiledCampaign,
        was_asked: Callable[[], bool | None],
    ) -> Rebid:
        """`was_asked`: whether its system was asked in this auction. None: that is not stored any longer."""
        if changed.mode != "auction" or facts.chosen is not None:
            return Rebid(facts, is_certain=True)
        before, after = (
            standing_bid(each.by_enrollment_id[enrollment_id], facts.lead.fields) for each in (was, changed)
        )
        outcome = facts.live[enrollment_id].bid_outcome
        if facts.phase != "bids":  # the auction did not decide, or this is what followed when nobody won it
            is_certain = facts.phase == "push" and (before == after if outcome else after is None)
            return Rebid(facts, is_certain=is_certain)
        if not outcome:
            return self._join(facts, enrollment_id, changed, after)
        if before == after or outcome in ANSWERS:
            return Rebid(facts, is_certain=True)
        has_declined = was_asked() if outcome == BidOutcome.NO_BID else False
        if has_declined is not False:
            return Rebid(facts, is_certain=has_declined is True)
        return Rebid(_with_bid(facts, enrollment_id, after), is_certain=True)

    def _join(
        self, facts: DecisionFacts, enrollment_id: int, campaign: CompiledCampaign, cents: int | None
    ) -> Rebid:
        """It was not in the auction, so neither an answer nor its share of returned leads was recorded."""
        is_certain = not campaign.auction.penalizes_returns and not self._is_asked(campaign.id)
        return Rebid(_with_bid(facts, enrollment_id, cents) if is_certain else facts, is_certain=is_certain)

    def _is_asked(self, campaign_id: int) -> bool:
        """By its ping endpoints of today."""
        if campaign_id not in self._asked:
            self._asked[campaign_id] = bool(find_asked([self._buyer_id], campaign_id=campaign_id))
        return self._asked[campaign_id]


def _with_bid(facts: DecisionFacts, enrollment_id: int, cents: int | None) -> DecisionFacts:
    outcome = BidOutcome.NO_BID if cents is None else BidOutcome.STANDING
    live = replace(facts.live[enrollment_id], bid_cents=cents, bid_at=None, bid_outcome=outcome.value)
    return replace(facts, live={**facts.live, enrollment_id: live})

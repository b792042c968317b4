"""Auctions: which buyers bid, and in which order they get the lead. Exact integers, never floats.

A bid is ranked by what is left of it: bid x (1 - margin) x (1 - returns). Margin: the enrollment's, or the campaign's.
Returns: the buyer's share of returned leads, if the campaign counts it. The winner pays the bid itself. Tiers do not
matter: they have only their filters. Equal values: the buyer that has waited longest for a lead, then by seed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from distribution.engine.campaign import AuctionTerms, CompiledCampaign, CompiledEnrollment
from distribution.engine.context import LeadContext
from distribution.engine.ranking import Candidate, Ranked, one_turn, pass_over, tail, waited
from distribution.engine.screening import PriceOf
from distribution.engine.types import LiveFacts, Skip

ONE_BPS: Final = 10_000
# Of a rank value: a cent has this many units. The largest value is below 2^53, so that JSON readers keep it exact.
UNITS_PER_CENT: Final = ONE_BPS * ONE_BPS
# Why a buyer has no bid, by the outcome. After any other one it said no.
SILENCES: Final = {
    "timeout": "bid_late",
    "late": "bid_late",
    "not_asked": "bid_not_asked",
    "unknown": "bid_unknown",
}
# Outcomes of a bid with which the buyer said that it does not want the lead.
DECLINED: Final = frozenset({"no_bid", "refused"})


@dataclass(frozen=True, slots=True)
class Bidding:
    """`bidders`: the candidates whose bid may win. `silent`: those without a bid. `low`: those below the reserve."""

    bidders: tuple[Candidate, ...]
    silent: tuple[Skip, ...]
    low: tuple[Skip, ...]

    @property
    def reason(self) -> str:
        """Why nobody may win."""
        return "below_reserve" if self.low else "no_bids"


def standing_bid(enrollment: CompiledEnrollment, fields: Mapping[str, Any]) -> int | None:
    """What the buyer bids without being asked: the first of its rules that the lead meets, or its plain bid."""
    for rule in enrollment.standing_bids:
        if rule.when.matches(fields):
            return rule.cents
    return enrollment.bid_cents


def price_before_bids(enrollment: CompiledEnrollment, _live: LiveFacts, context: LeadContext) -> int:
    """For the gates before buyers are asked. A buyer without a standing bid passes those of money."""
    bid = standing_bid(enrollment, context.fields)
    return 0 if bid is None else bid


def price_of_bid(_enrollment: CompiledEnrollment, live: LiveFacts, _context: LeadContext) -> int:
    return 0 if live.bid_cents is None else live.bid_cents


def price_outside_bids(reserve_cents: int | None) -> PriceOf:
    """For a push: the tier's price, or the reserve if that is more."""

    def find_price(enrollment: CompiledEnrollment, _live: LiveFacts, context: LeadContext) -> int:
        return max(context.tier_cents[enrollment.tier_index], reserve_cents or 0)

    return find_price


def rank_value(cents: int, *, margin_bps: int, returned_bps: int) -> int:
    """In units of UNITS_PER_CENT."""
    return cents * (ONE_BPS - margin_bps) * (ONE_BPS - returned_bps)


def value_of(candidate: Candidate, terms: AuctionTerms) -> int:
    return candidate.price_cents * _value_of_cent(candidate.enrollment, candidate.live, terms)


def _value_of_cent(enrollment: CompiledEnrollment, live: LiveFacts, terms: AuctionTerms) -> int:
    margin_bps = terms.margin_bps if enrollment.margin_bps is None else enrollment.margin_bps
    returned_bps = live.returned_bps if terms.penalizes_returns else 0
    return rank_value(1, margin_bps=margin_bps, returned_bps=returned_bps)


def bid_to_reach(
    own: CompiledEnrollment,
    rival: CompiledEnrollment,
    *,
    campaign: CompiledCampaign,
    live: Mapping[int, LiveFacts],
) -> int | None:
    """The smallest bid of `own` whose value is that of the rival's bid or more. None: no bid reaches it."""
    worth = _value_of_cent(own, live[own.id], campaign.auction)
    rival_cents = live[rival.id].bid_cents
    if worth == 0 or rival_cents is None:
        return None
    needed = rival_cents * _value_of_cent(rival, live[rival.id], campaign.auction)
    return -(-needed // worth)


def find_bidders(campaign: CompiledCampaign, candidates: Sequence[Candidate]) -> Bidding:
    """Split the buyers that passed the gates."""
    reserve_cents = campaign.auction.reserve_cents or 0
    bidders, silent, low = [], [], []
    for each in candidates:
        if each.live.bid_cents is None:
            silent.append(pass_over(each, _silence(each.live), {"outcome": each.live.bid_outcome}))
        elif each.price_cents < reserve_cents:
            data = {"bid_cents": each.price_cents, "reserve_cents": reserve_cents}
            low.append(pass_over(each, "bid_below_reserve", data))
        else:
            bidders.append(each)
    return Bidding(tuple(bidders), tuple(silent), tuple(low))


def find_pushed(candidates: Sequence[Candidate]) -> Bidding:
    """Of a push after an auction: not the buyers that declined there, nor those that bid less than the price."""
    pushed, silent, low = [], [], []
    for each in candidates:
        live = each.live
        if live.bid_outcome in DECLINED:
            silent.append(pass_over(each, "no_bid", {"outcome": live.bid_outcome}))
        elif live.bid_cents is not None and live.bid_cents < each.price_cents:
            data = {"bid_cents": live.bid_cents, "reserve_cents": each.price_cents}
            low.append(pass_over(each, "bid_below_reserve", data))
        else:
            pushed.append(each)
    return Bidding(tuple(pushed), tuple(silent), tuple(low))


def _silence(live: LiveFacts) -> str:
    return SILENCES.get(live.bid_outcome, "no_bid")


def rank_bids(campaign: CompiledCampaign, *, candidates: Sequence[Candidate], seed: int) -> list[Ranked]:
    """Return all candidates, best first. Key: (value with the sign changed, last lead, random number, id)."""
    ranked = [
        Ranked(
            each,
            (-value_of(each, campaign.auction), waited(each), *tail(each, seed)),
            each.live.virtual_finish + one_turn(campaign.push_mode, weight=each.enrollment.weight),
            has_tier=False,
        )
        for each in candidates
    ]
    return sorted(ranked, key=lambda each: each.key)

"""One decision: schedule, prices, gates, rank, verdict. Live runs, replays and what-if use the same code."""

from collections.abc import Sequence
from dataclasses import dataclass

from distribution.engine.bids import (
    Bidding,
    find_bidders,
    find_pushed,
    price_before_bids,
    price_of_bid,
    price_outside_bids,
    rank_bids,
    standing_bid,
)
from distribution.engine.campaign import CompiledCampaign
from distribution.engine.context import build_context
from distribution.engine.pricing import tier_prices
from distribution.engine.promise import BELOW, ENDED, keep_promise, keeps_promise_alone
from distribution.engine.ranking import Candidate, Ranked, pass_over, rank
from distribution.engine.screening import PriceOf, Screening, screen
from distribution.engine.types import (
    Decision,
    DecisionFacts,
    FactsError,
    Offered,
    Outcome,
    Selection,
    Skip,
    TierPrice,
    Verdict,
)
from distribution.engine.verdict import empty_pool_verdict, emptying_stage, first_common_opening
from distribution.engine.verification import GATED, find_gate, find_refusal, list_overridden, price_percent

CONTENTION = Verdict("tier_lock_contention", "transient", None, "locked")


def decide(campaign: CompiledCampaign, facts: DecisionFacts) -> Decision:
    """Equal arguments give an equal decision. Raises FactsError if an enrollment has no live facts, or is unknown."""
    if facts.claimant is not None and facts.claimant not in campaign.by_enrollment_id:
        raise FactsError(f"enrollment {facts.claimant} claims, but is not in the campaign")
    verdict = _verdict_before_pool(campaign, facts)
    if verdict is not None:
        funnel = (("enrolled", len(campaign.enrollments)),)
        return Decision("gated" if verdict is GATED else "unsold", (), (), (), funnel, (), verdict)
    prices = tier_prices(campaign, fields=facts.lead.fields, percent=price_percent(campaign, facts.lead))
    context = build_context(campaign, facts=facts, prices=prices)
    screening = screen(
        campaign,
        live=facts.live,
        context=context,
        chosen=facts.chosen,
        only=facts.claimant,
        price_of=_choose_prices(campaign, facts),
    )
    if facts.phase == "offer":
        return _offer(campaign, facts, screening, prices)
    return _sell(campaign, facts, screening, prices)


def _choose_prices(campaign: CompiledCampaign, facts: DecisionFacts) -> PriceOf | None:
    """A bid in an auction is no price outside it."""
    if facts.phase == "bids":
        return price_of_bid
    if campaign.mode != "auction":
        return None
    return price_before_bids if facts.phase == "offer" else price_outside_bids(campaign.auction.reserve_cents)


def _verdict_before_pool(campaign: CompiledCampaign, facts: DecisionFacts) -> Verdict | None:
    """An empty campaign is reported even while it is closed: waiting for its hours would not help.

    An offer that opened within the hours can be claimed until it closes.
    """
    if not campaign.enrollments:
        return Verdict("no_enrolled_buyers", "permanent")
    if facts.chosen is not None:
        return find_refusal(campaign, facts)
    promise = facts.promise
    if promise is not None and promise.is_last and promise.ends_at <= facts.at:
        return Verdict(ENDED, "permanent")
    schedule = None if facts.phase in ("claim", "bids") else campaign.schedule
    if schedule is None or schedule.hours.is_open(facts.at):
        return find_gate(campaign, facts)
    opens_at = first_common_opening(facts.at, calendars=(schedule,))
    return Verdict("outside_campaign_hours", "permanent" if opens_at is None else "deferred", opens_at)


def _offer(
    campaign: CompiledCampaign, facts: DecisionFacts, screening: Screening, prices: tuple[TierPrice, ...]
) -> Decision:
    """Every buyer that passes the gates is shown the offer, if another buyer may still get the lead.

    A claim may be the only one, so the price of each buyer alone must pay what the source was promised.
    """
    has_room = campaign.max_buyers > facts.lead.sold_count
    ranked = rank(campaign, candidates=screening.candidates, seed=facts.seed)
    is_auction = campaign.mode == "auction"  # what a buyer will bid is not known yet
    kept = [each for each in ranked if is_auction or keeps_promise_alone(facts.promise, each)]
    below = [each for each in ranked if each not in kept]
    offered = tuple(_show(each, campaign, facts) for each in kept) if has_room else ()
    outranked = () if has_room else tuple(_outrank(each, n) for n, each in enumerate(kept, start=1))
    funnel = (*screening.funnel, ("offered", len(offered)))
    outcome: Outcome = "offered"
    verdict: Verdict | None = None
    if below and not kept:
        outcome, verdict = _break_off(facts)
    elif not offered:
        outcome, verdict = _conclude(campaign, facts, screening, (), int(has_room), funnel)
    return Decision(
        outcome=outcome,
        selected=(),
        skipped=(*screening.skipped, *map(_refuse_price, below), *outranked),
        ranking=tuple(each.candidate.enrollment.id for each in kept),
        funnel=funnel,
        prices=prices,
        verdict=verdict,
        offered=offered,
    )


def _show(ranked: Ranked, campaign: CompiledCampaign, facts: DecisionFacts) -> Offered:
    enrollment = ranked.candidate.enrollment
    is_auction = campaign.mode == "auction"
    return Offered(
        enrollment_id=enrollment.id,
        buyer_id=enrollment.buyer_id,
        tier_position=enrollment.tier.position,
        price_cents=ranked.candidate.price_cents,
        head_start_seconds=0 if is_auction else enrollment.tier.head_start_seconds,
        standing_cents=standing_bid(enrollment, facts.lead.fields) if is_auction else None,
    )


def _sell(
    campaign: CompiledCampaign, facts: DecisionFacts, screening: Screening, prices: tuple[TierPrice, ...]
) -> Decision:
    bidding = _find_bidding(campaign, facts, screening)
    candidates = screening.candidates if bidding is None else bidding.bidders
    free = [each for each in candidates if each.enrollment.id not in facts.locked]
    locked = [each for each in candidates if each.enrollment.id in facts.locked]
    order = _order(campaign, facts, free)
    of_lead = list_overridden(campaign, facts)
    selected = tuple(_select(each, number, of_lead) for number, each in enumerate(order.winners, start=1))
    bids = () if bidding is None else (("bid", len(candidates)),)
    funnel = (*screening.funnel, *bids, ("locked", len(free)), ("selected", len(selected)))
    if order.below and not order.ranked and not locked:
        outcome, verdict = _break_off(facts)
    elif bidding is not None and screening.candidates and not candidates and order.free_slots:
        outcome, verdict = "unsold", Verdict(bidding.reason, "permanent", None, "bid")
    else:
        outcome, verdict = _conclude(campaign, facts, screening, selected, order.free_slots, funnel)
    return Decision(
        outcome=outcome,
        selected=selected,
        skipped=(
            *screening.skipped,
            *_list_others(bidding),
            *map(_lock_out, locked),
            *map(_refuse_price, order.below),
            *order.outranked,
        ),
        ranking=tuple(each.candidate.enrollment.id for each in order.ranked),
        funnel=funnel,
        prices=prices,
        verdict=verdict,
    )


@dataclass(slots=True)  # not frozen, as a Candidate
class _Order:
    """The free candidates, best first. `below`: those that pay less than the source was promised."""

    ranked: list[Ranked]
    below: list[Ranked]
    free_slots: int

    @property
    def winners(self) -> list[Ranked]:
        return self.ranked[: self.free_slots]

    @property
    def outranked(self) -> list[Skip]:
        others = enumerate(self.ranked[self.free_slots :], start=self.free_slots + 1)
        return [_outrank(each, number) for number, each in others]


def _order(campaign: CompiledCampaign, facts: DecisionFacts, free: Sequence[Candidate]) -> _Order:
    free_slots = _count_free_slots(campaign, facts)
    order = rank_bids if facts.phase == "bids" else rank
    ranked = order(campaign, candidates=free, seed=facts.seed)
    if facts.chosen is not None:
        free_slots, ranked = _prefer(facts.chosen, ranked, free_slots=free_slots)
    ranked, below = keep_promise(facts.promise, ranked, free_slots=free_slots)
    if facts.chosen is not None and below:
        free_slots = 0  # only the chosen buyer may make room, and for nobody
    return _Order(ranked, below, free_slots)


def _count_free_slots(campaign: CompiledCampaign, facts: DecisionFacts) -> int:
    free_slots = max(0, campaign.max_buyers - facts.lead.sold_count)
    if facts.phase != "claim" and campaign.sells_on == "acceptance":
        return min(free_slots, 1)  # one buyer's system is asked at a time
    return free_slots


def _find_bidding(campaign: CompiledCampaign, facts: DecisionFacts, screening: Screening) -> Bidding | None:
    if facts.phase == "bids":
        return find_bidders(campaign, screening.candidates)
    is_chosen = facts.chosen is not None  # a person asked the buyer
    return find_pushed(screening.candidates) if campaign.mode == "auction" and not is_chosen else None


def _list_others(bidding: Bidding | None) -> tuple[Skip, ...]:
    """The buyers that passed the gates and have no bid that may win."""
    return () if bidding is None else (*bidding.silent, *bidding.low)


def _prefer(chosen: int, ranked: list[Ranked], *, free_slots: int) -> tuple[int, list[Ranked]]:
    """A person chose this buyer, so only it can be selected. The others keep their order after it."""
    ranked = sorted(ranked, key=lambda each: each.candidate.enrollment.id != chosen)
    is_there = bool(ranked) and ranked[0].candidate.enrollment.id == chosen
    return (min(free_slots, 1) if is_there else 0), ranked


def _conclude(
    campaign: CompiledCampaign,
    facts: DecisionFacts,
    screening: Screening,
    selected: Sequence[Selection],
    free_slots: int,
    funnel: tuple[tuple[str, int], ...],
) -> tuple[Outcome, Verdict | None]:
    if selected:
        return "sold", None
    if free_slots == 0:
        emptied_by = emptying_stage(funnel[:-1]) or "outranked"
        return "sold_out", Verdict("no_eligible_buyers", "permanent", None, emptied_by)
    if screening.candidates:
        return "contention", CONTENTION
    return "unsold", empty_pool_verdict(
        campaign, skipped=screening.skipped, funnel=screening.funnel, at=facts.at
    )


def _break_off(facts: DecisionFacts) -> tuple[Outcome, Verdict | None]:
    """Nobody pays what the source was promised. A lead that may be sold for less afterwards waits for that time."""
    promise = facts.promise
    if promise is None or promise.is_last:
        return "unsold", Verdict(BELOW, "permanent", None, "selected")
    return "unsold", Verdict(BELOW, "deferred", promise.ends_at, "selected")


def _select(ranked: Ranked, number: int, overridden: tuple[str, ...]) -> Selection:
    """`overridden`: the gate of the lead, before those of the buyer."""
    enrollment = ranked.candidate.enrollment
    return Selection(
        enrollment_id=enrollment.id,
        buyer_id=enrollment.buyer_id,
        tier_id=enrollment.tier.id,
        price_cents=ranked.candidate.price_cents,
        rank=number,
        rank_key=ranked.rank_key,
        new_virtual_finish=ranked.new_virtual_finish,
        overridden=(*overridden, *ranked.candidate.overridden),
    )


def _outrank(ranked: Ranked, number: int) -> Skip:
    data = {"rank": number, "rank_key": list(ranked.rank_key)}
    return pass_over(ranked.candidate, "outranked" if ranked.has_tier else "outbid", data)


def _lock_out(candidate: Candidate) -> Skip:
    return pass_over(candidate, "locked", {})


def _refuse_price(ranked: Ranked) -> Skip:
    return pass_over(ranked.candidate, BELOW, {})

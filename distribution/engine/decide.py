"""One decision: schedule, prices, gates, rank, verdict. Live runs, replays and what-if use the same code."""

from collections.abc import Sequence

from distribution.engine.campaign import CompiledCampaign
from distribution.engine.context import build_context
from distribution.engine.pricing import tier_prices
from distribution.engine.ranking import Candidate, Ranked, rank
from distribution.engine.screening import Screening, screen
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

CONTENTION = Verdict("tier_lock_contention", "transient", None, "locked")


def decide(campaign: CompiledCampaign, facts: DecisionFacts) -> Decision:
    """Equal arguments give an equal decision. Raises FactsError if an enrollment has no live facts, or is unknown."""
    if facts.claimant is not None and facts.claimant not in campaign.by_enrollment_id:
        raise FactsError(f"enrollment {facts.claimant} claims, but is not in the campaign")
    verdict = _verdict_before_pool(campaign, facts)
    if verdict is not None:
        funnel = (("enrolled", len(campaign.enrollments)),)
        return Decision("unsold", (), (), (), funnel, (), verdict)
    prices = tier_prices(campaign, fields=facts.lead.fields)
    context = build_context(campaign, facts=facts, prices=prices)
    screening = screen(campaign, live=facts.live, context=context, chosen=facts.chosen, only=facts.claimant)
    if facts.phase == "offer":
        return _offer(campaign, facts, screening, prices)
    return _sell(campaign, facts, screening, prices)


def _verdict_before_pool(campaign: CompiledCampaign, facts: DecisionFacts) -> Verdict | None:
    """An empty campaign is reported even while it is closed: waiting for its hours would not help.

    An offer that opened within the hours can be claimed until it closes.
    """
    if not campaign.enrollments:
        return Verdict("no_enrolled_buyers", "permanent")
    if (
        facts.chosen is not None
        or facts.phase == "claim"
        or campaign.schedule is None
        or campaign.schedule.hours.is_open(facts.at)
    ):
        return None
    opens_at = first_common_opening(facts.at, calendars=(campaign.schedule,))
    return Verdict("outside_campaign_hours", "permanent" if opens_at is None else "deferred", opens_at)


def _offer(
    campaign: CompiledCampaign, facts: DecisionFacts, screening: Screening, prices: tuple[TierPrice, ...]
) -> Decision:
    """Every buyer that passes the gates is shown the offer, if another buyer may still get the lead."""
    has_room = campaign.max_buyers > facts.lead.sold_count
    ranked = rank(campaign, candidates=screening.candidates, seed=facts.seed)
    offered = tuple(map(_show, ranked)) if has_room else ()
    outranked = () if has_room else tuple(_outrank(each, n) for n, each in enumerate(ranked, start=1))
    funnel = (*screening.funnel, ("offered", len(offered)))
    outcome: Outcome = "offered"
    verdict: Verdict | None = None
    if not offered:
        outcome, verdict = _conclude(campaign, facts, screening, (), int(has_room), funnel)
    return Decision(
        outcome=outcome,
        selected=(),
        skipped=(*screening.skipped, *outranked),
        ranking=tuple(each.candidate.enrollment.id for each in ranked),
        funnel=funnel,
        prices=prices,
        verdict=verdict,
        offered=offered,
    )


def _show(ranked: Ranked) -> Offered:
    enrollment = ranked.candidate.enrollment
    return Offered(
        enrollment_id=enrollment.id,
        buyer_id=enrollment.buyer_id,
        tier_position=enrollment.tier.position,
        price_cents=ranked.candidate.price_cents,
        head_start_seconds=enrollment.tier.head_start_seconds,
    )


def _sell(
    campaign: CompiledCampaign, facts: DecisionFacts, screening: Screening, prices: tuple[TierPrice, ...]
) -> Decision:
    free_slots = max(0, campaign.max_buyers - facts.lead.sold_count)
    if facts.phase == "push" and campaign.sells_on == "acceptance":
        free_slots = min(free_slots, 1)  # one buyer's system is asked at a time
    free = [each for each in screening.candidates if each.enrollment.id not in facts.locked]
    locked = [each for each in screening.candidates if each.enrollment.id in facts.locked]
    ranked = rank(campaign, candidates=free, seed=facts.seed)
    if facts.chosen is not None:
        free_slots, ranked = _prefer(facts.chosen, ranked, free_slots=free_slots)
    selected = tuple(_select(each, number) for number, each in enumerate(ranked[:free_slots], start=1))
    outranked = [
        _outrank(each, number) for number, each in enumerate(ranked[free_slots:], start=free_slots + 1)
    ]
    funnel = (*screening.funnel, ("locked", len(free)), ("selected", len(selected)))
    outcome, verdict = _conclude(campaign, facts, screening, selected, free_slots, funnel)
    return Decision(
        outcome=outcome,
        selected=selected,
        skipped=(*screening.skipped, *map(_lock_out, locked), *outranked),
        ranking=tuple(each.candidate.enrollment.id for each in ranked),
        funnel=funnel,
        prices=prices,
        verdict=verdict,
    )


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


def _select(ranked: Ranked, number: int) -> Selection:
    enrollment = ranked.candidate.enrollment
    return Selection(
        enrollment_id=enrollment.id,
        buyer_id=enrollment.buyer_id,
        tier_id=enrollment.tier.id,
        price_cents=ranked.candidate.price_cents,
        rank=number,
        rank_key=(enrollment.tier.position, *ranked.key),
        new_virtual_finish=ranked.new_virtual_finish,
        overridden=ranked.candidate.overridden,
    )


def _outrank(ranked: Ranked, number: int) -> Skip:
    data = {"rank": number, "rank_key": [ranked.candidate.enrollment.tier.position, *ranked.key]}
    return _pass_over(ranked.candidate, "outranked", data)


def _lock_out(candidate: Candidate) -> Skip:
    return _pass_over(candidate, "locked", {})


def _pass_over(candidate: Candidate, reason: str, data: dict[str, object]) -> Skip:
    enrollment = candidate.enrollment
    return Skip(enrollment.id, enrollment.buyer_id, reason, (), candidate.price_cents, data)

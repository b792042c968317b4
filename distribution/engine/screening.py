"""Runs every gate on every enrollment, even after a failure, and returns candidates and skips."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from distribution.engine.campaign import CompiledCampaign, CompiledEnrollment
from distribution.engine.context import LeadContext
from distribution.engine.gates import CHECKS, STAGES, is_overridable
from distribution.engine.pricing import take_percent
from distribution.engine.ranking import Candidate
from distribution.engine.types import FactsError, JsonObject, LiveFacts, Skip

# What a buyer would pay, if it is not its own or the tier's price.
PriceOf = Callable[[CompiledEnrollment, LiveFacts, LeadContext], int]


@dataclass(frozen=True, slots=True)
class Screening:
    """`funnel`: how many enrollments are left after each gate, starting with all of them."""

    candidates: tuple[Candidate, ...]
    skipped: tuple[Skip, ...]
    funnel: tuple[tuple[str, int], ...]


def screen(
    campaign: CompiledCampaign,
    *,
    live: Mapping[int, LiveFacts],
    context: LeadContext,
    chosen: int | None = None,
    only: int | None = None,
    price_of: PriceOf | None = None,
) -> Screening:
    """`only`: look at this enrollment alone. `price_of`: None: its bid, or the tier's price."""
    enrollments = campaign.enrollments if only is None else (campaign.by_enrollment_id[only],)
    candidates: list[Candidate] = []
    skipped: list[Skip] = []
    for enrollment in enrollments:
        facts = live.get(enrollment.id)
        if facts is None:
            raise FactsError(f"enrollment {enrollment.id} is in the campaign but has no live facts")
        bid = facts.bid_cents
        if bid is None and enrollment.bid_cents is not None:
            bid = take_percent(enrollment.bid_cents, context.price_percent)
        if price_of is not None:
            price_cents = price_of(enrollment, facts, context)
        else:
            price_cents = context.tier_cents[enrollment.tier_index] if bid is None else bid
        failures: list[JsonObject] | None = None
        for check in CHECKS:
            failure = check(enrollment, facts, price_cents, context)
            if failure is not None:
                if failures is None:
                    failures = [failure]
                else:
                    failures.append(failure)
        if failures is None:
            candidates.append(Candidate(enrollment, facts, price_cents))
        elif enrollment.id == chosen and all(map(is_overridable, failures)):
            overridden = tuple(dict.fromkeys(each["gate"] for each in failures))
            candidates.append(Candidate(enrollment, facts, price_cents, overridden))
        else:
            reason = failures[0]["gate"]
            skipped.append(Skip(enrollment.id, enrollment.buyer_id, reason, tuple(failures), price_cents, {}))
    return Screening(tuple(candidates), tuple(skipped), _funnel(len(enrollments), skipped))


def _funnel(enrolled: int, skipped: list[Skip]) -> tuple[tuple[str, int], ...]:
    dropped = dict.fromkeys(STAGES, 0)
    for skip in skipped:
        dropped[skip.reason] += 1
    stages = [("enrolled", enrolled)]
    for stage in STAGES:
        stages.append((stage, stages[-1][1] - dropped[stage]))
    return tuple(stages)

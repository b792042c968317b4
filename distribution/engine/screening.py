"""Runs every gate on every enrollment, without short circuit, and sorts them into candidates and skips."""

from collections.abc import Mapping
from dataclasses import dataclass

from distribution.engine.campaign import CompiledCampaign
from distribution.engine.gates import GATES, STAGES, TIME_BOUND, WISHES
from distribution.engine.ranking import Candidate
from distribution.engine.scene import Scene
from distribution.engine.types import FactsError, JsonObject, LiveFacts, Skip


@dataclass(frozen=True, slots=True)
class Screening:
    """`funnel`: how many are left, from all enrolled to those that passed the last gate."""

    candidates: tuple[Candidate, ...]
    skipped: tuple[Skip, ...]
    funnel: tuple[tuple[str, int], ...]


def screen(
    campaign: CompiledCampaign, *, live: Mapping[int, LiveFacts], scene: Scene, chosen: int | None = None
) -> Screening:
    candidates: list[Candidate] = []
    skipped: list[Skip] = []
    for enrollment in campaign.enrollments:
        facts = live.get(enrollment.id)
        if facts is None:
            raise FactsError(f"enrollment {enrollment.id} is in the campaign but has no live facts")
        bid = enrollment.bid_cents
        price_cents = scene.tier_cents[enrollment.tier_index] if bid is None else bid
        failures: list[JsonObject] | None = None
        for gate in GATES:
            failure = gate(enrollment, facts, price_cents, scene)
            if failure is not None:
                if failures is None:
                    failures = [failure]
                else:
                    failures.append(failure)
        if failures is None:
            candidates.append(Candidate(enrollment, facts, price_cents))
        elif enrollment.id == chosen and all(map(_is_wish, failures)):
            overridden = tuple(dict.fromkeys(each["gate"] for each in failures))
            candidates.append(Candidate(enrollment, facts, price_cents, overridden))
        else:
            reason = failures[0]["gate"]
            skipped.append(Skip(enrollment.id, enrollment.buyer_id, reason, tuple(failures), price_cents, {}))
    return Screening(tuple(candidates), tuple(skipped), _funnel(len(campaign.enrollments), skipped))


def _is_wish(failure: JsonObject) -> bool:
    """A time zone that cannot be read is none: caps are counted in it."""
    return failure["gate"] in WISHES and not (failure["gate"] in TIME_BOUND and "problem" in failure)


def _funnel(enrolled: int, skipped: list[Skip]) -> tuple[tuple[str, int], ...]:
    dropped = dict.fromkeys(STAGES, 0)
    for skip in skipped:
        dropped[skip.reason] += 1
    stages = [("enrolled", enrolled)]
    for stage in STAGES:
        stages.append((stage, stages[-1][1] - dropped[stage]))
    return tuple(stages)

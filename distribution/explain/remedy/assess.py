"""Fixes all obstacles of one enrollment and lets the engine decide again. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from distribution.engine import DecisionFacts
from distribution.explain.remedy.fix_all import fix_all
from distribution.explain.remedy.fixes import FixOutcome
from distribution.explain.remedy.improvements import Lift, find_improvements
from distribution.explain.remedy.world import Definition, World


class WhatIfResult(StrEnum):
    """The engine's result for the enrollment with all fixes."""

    SELECTED = "selected"
    OFFERED = "offered"  # shown the offer, or let into the auction: a claim or a bid decides
    OUTRANKED = "outranked"
    SOLD_OUT = "sold_out"  # the lead was sold to as many buyers as the campaign allows before this attempt
    NEVER = "never"  # an obstacle that no one can change


# With the fixes, there is nothing left to improve.
DONE: Final = frozenset({WhatIfResult.SELECTED, WhatIfResult.OFFERED})


class NotEnrolled(LookupError):
    """The buyer has no enrollment in this definition."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """`rank` of `ranked` eligible enrollments, with room for `free_slots`. No `fixes`: there was no obstacle.

    `blocked_by`: the reason for NEVER. `is_by_hand`: a person chose the buyer of this attempt, whatever its rank.
    """

    ending: WhatIfResult
    fixes: tuple[FixOutcome, ...]
    improvements: tuple[Lift, ...]
    rank: int | None
    ranked: int
    free_slots: int
    price_cents: int | None
    blocked_by: str = ""
    is_by_hand: bool = False
    is_auction: bool = False


def assess(definition: Definition, facts: DecisionFacts, *, buyer_id: int) -> Assessment:
    """Raises NotEnrolled, and DefinitionError or FactsError if the engine cannot decide."""
    rows = definition["enrollments"]
    enrollment = next((row for row in rows if row["buyer_id"] == buyer_id), None)
    if enrollment is None:
        raise NotEnrolled
    fixed = fix_all(World(definition, facts, enrollment["id"]))
    world = fixed.world
    if fixed.blocked_by:
        return Assessment(
            WhatIfResult.NEVER, fixed.fixes, (), None, 0, world.free_slots, None, blocked_by=fixed.blocked_by
        )
    ending = _ending(world)
    return Assessment(
        ending=ending,
        fixes=fixed.fixes,
        improvements=() if ending in DONE else find_improvements(world),
        rank=world.decision.ranking.index(world.enrollment_id) + 1,
        ranked=len(world.decision.ranking),
        free_slots=world.free_slots,
        price_cents=_price_cents(world),
        is_by_hand=facts.chosen is not None,
        is_auction=world.campaign.mode == "auction",
    )


def _ending(world: World) -> WhatIfResult:
    if any(each.enrollment_id == world.enrollment_id for each in world.decision.selected):
        return WhatIfResult.SELECTED
    if any(each.enrollment_id == world.enrollment_id for each in world.decision.offered):
        return WhatIfResult.OFFERED
    return WhatIfResult.SOLD_OUT if world.free_slots == 0 else WhatIfResult.OUTRANKED


def _price_cents(world: World) -> int:
    decision = world.decision
    prices = {each.enrollment_id: each.price_cents for each in decision.skipped}
    prices |= {each.enrollment_id: each.price_cents for each in decision.selected}
    prices |= {each.enrollment_id: each.price_cents for each in decision.offered}
    return prices[world.enrollment_id]

"""Fixes everything in the way of one enrollment and asks the engine what would then have become of it. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from distribution.engine import DecisionFacts
from distribution.explain.remedy.fixes import Fixed
from distribution.explain.remedy.lifts import Lift, find_lifts
from distribution.explain.remedy.settle import settle
from distribution.explain.remedy.world import Definition, World


class WhatIfResult(StrEnum):
    """What the engine says of the enrollment once the fixes are made."""

    SELECTED = "selected"
    OUTRANKED = "outranked"
    SOLD_OUT = "sold_out"  # the lead was sold to as many buyers as the campaign allows before this attempt
    NEVER = "never"  # something is in the way that nobody can change


class NotEnrolled(LookupError):
    """The buyer has no enrollment in this definition."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """`rank` of `ranked` eligible enrollments, with room for `free_slots`. No `fixes`: nothing was in the way."""

    ending: WhatIfResult
    fixes: tuple[Fixed, ...]
    lifts: tuple[Lift, ...]
    rank: int | None
    ranked: int
    free_slots: int
    price_cents: int | None


def assess(definition: Definition, facts: DecisionFacts, *, buyer_id: int) -> Assessment:
    """Raises NotEnrolled, and DefinitionError or FactsError for what the engine cannot decide on."""
    rows = definition["enrollments"]
    enrollment = next((row for row in rows if row["buyer_id"] == buyer_id), None)
    if enrollment is None:
        raise NotEnrolled
    settled = settle(World(definition, facts, enrollment["id"]))
    world = settled.world
    if not settled.is_passable:
        return Assessment(WhatIfResult.NEVER, settled.fixes, (), None, 0, world.free_slots, None)
    ending = _ending(world)
    return Assessment(
        ending=ending,
        fixes=settled.fixes,
        lifts=() if ending is WhatIfResult.SELECTED else find_lifts(world),
        rank=world.decision.ranking.index(world.enrollment_id) + 1,
        ranked=len(world.decision.ranking),
        free_slots=world.free_slots,
        price_cents=_price_cents(world),
    )


def _ending(world: World) -> WhatIfResult:
    if any(each.enrollment_id == world.enrollment_id for each in world.decision.selected):
        return WhatIfResult.SELECTED
    return WhatIfResult.SOLD_OUT if world.free_slots == 0 else WhatIfResult.OUTRANKED


def _price_cents(world: World) -> int:
    decision = world.decision
    prices = {each.enrollment_id: each.price_cents for each in decision.skipped}
    prices |= {each.enrollment_id: each.price_cents for each in decision.selected}
    return prices[world.enrollment_id]

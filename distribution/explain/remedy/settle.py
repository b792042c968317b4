"""Fixes whatever keeps one enrollment from being ranked, round after round, until the engine ranks it. Pure."""

from dataclasses import dataclass
from typing import Any, Final

from distribution.explain.remedy.fixes import Fixed, fix
from distribution.explain.remedy.world import World

# The campaign's hours hide the gates, and the gates hide a lock: three rounds of fixes, and one to see the result.
MAX_ROUNDS: Final = 4


@dataclass(frozen=True, slots=True)
class Settled:
    """`world` with every fix in it. `is_passable` False: something is in the way that nothing can change."""

    world: World
    fixes: tuple[Fixed, ...]
    is_passable: bool


def settle(world: World) -> Settled:
    fixes: list[Fixed] = []
    for _ in range(MAX_ROUNDS):
        failures = find_failures(world)
        if not failures:
            return Settled(world, tuple(fixes), is_passable=True)
        is_stuck = False
        for failure in failures:
            made = fix(world, failure)
            if made is None:
                fixes.append(Fixed(failure, ""))
                is_stuck = True
                continue
            world = made[0]
            fixes.append(made[1])
        if is_stuck:
            break
    return Settled(world, tuple(fixes), is_passable=False)


def find_failures(world: World) -> list[dict[str, Any]]:
    """What keeps the enrollment from being ranked in this world's decision; [] when it is ranked."""
    verdict = world.decision.verdict
    if verdict is not None and verdict.reason == "outside_campaign_hours":
        opens_at = None if verdict.retry_at is None else verdict.retry_at.isoformat()
        return [{"gate": "outside_campaign_hours", "fixed_at": opens_at}]
    skip = next((each for each in world.decision.skipped if each.enrollment_id == world.enrollment_id), None)
    if skip is None or skip.reason == "outranked":
        return []
    return [dict(failure) for failure in skip.gates] or [{"gate": skip.reason, "fixed_at": None}]

"""Fixes the obstacles of one enrollment, round after round, until the engine ranks it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from distribution.explain.remedy.fixes import FixOutcome, fix
from distribution.explain.remedy.world import World
from tracing.obstacles import describe_clause

# The campaign's hours hide the gates, and the gates hide a lock: three rounds of fixes, and one for the result.
MAX_ROUNDS: Final = 4


@dataclass(frozen=True, slots=True)
class FixedWorld:
    """`world` with every fix applied. `blocked_by`: why the enrollment still fails; "" if it passes."""

    world: World
    fixes: tuple[FixOutcome, ...]
    blocked_by: str


def fix_all(world: World) -> FixedWorld:
    fixes: list[FixOutcome] = []
    for _ in range(MAX_ROUNDS):
        failures = find_failures(world)
        if not failures:
            return FixedWorld(world, tuple(fixes), "")
        for failure in failures:
            world, fixed = fix(world, failure)
            fixes.append(fixed)
        blocks = [each.blocked_by for each in fixes if each.blocked_by]
        if blocks:
            return FixedWorld(world, tuple(fixes), "; ".join(blocks))
    return FixedWorld(world, tuple(fixes), _name_failures(find_failures(world)))


def _name_failures(failures: Sequence[dict[str, Any]]) -> str:
    """Name the obstacles that remain although their fixes were applied."""
    clauses = dict.fromkeys(describe_clause(failure["gate"]) for failure in failures)
    return f"every known fix was tried, and it still fails: {', '.join(clauses)}" if clauses else ""


def find_failures(world: World) -> list[dict[str, Any]]:
    """Return why the enrollment is not ranked in this world's decision; [] if it is ranked."""
    verdict = world.decision.verdict
    if verdict is not None and verdict.reason == "outside_campaign_hours":
        opens_at = None if verdict.retry_at is None else verdict.retry_at.isoformat()
        return [{"gate": "outside_campaign_hours", "fixed_at": opens_at}]
    if verdict is not None and verdict.reason == "promise_ended":
        return [{"gate": verdict.reason, "fixed_at": None}]
    skip = next((each for each in world.decision.skipped if each.enrollment_id == world.enrollment_id), None)
    if skip is None or skip.reason in ("outranked", "outbid"):
        return []
    return [dict(failure) for failure in skip.gates] or [{"gate": skip.reason, "fixed_at": None}]

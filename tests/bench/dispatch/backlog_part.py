"""How a backlog is restored after a flush of Redis: when the reconciler makes its leads due."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from tests.bench.children import Child
from tests.bench.dispatch.moves_part import HOUR_SECONDS
from tests.bench.dispatch.plan import Plan

Progress = Callable[[str], None]

STEPS: Final = 2
BARS: Final = 20
WIDEST_BAR: Final = 50


def measure_backlog(plan: Plan, child: Child, *, progress: Progress) -> Mapping[str, Any]:
    """Leads that are due later, the large backlog, are restored too.

    The overdue leads belong to one workspace: each workspace has its own rate.
    """
    progress(f"{plan.overdue:,} overdue leads of one workspace, Redis empty")
    child.ask("flush")
    child.ask("fill", count=plan.overdue, due_in=-HOUR_SECONDS, workspaces=1)
    progress("reconcile schedule")
    return {"overdue": plan.overdue, **child.ask("reconcile")}


def draw(by_second: Sequence[int]) -> list[str]:
    """Return a line for each period: how many leads per second become due in it, and a bar of that length."""
    width = max(1, -(-len(by_second) // BARS))
    parts = [by_second[at : at + width] for at in range(0, len(by_second), width)]
    rates = [sum(part) / len(part) for part in parts]
    most = max(rates, default=0) or 1
    return [
        f"{at * width:>4} s {rate:>7,.0f}/s {'#' * round(WIDEST_BAR * rate / most)}"
        for at, rate in enumerate(rates)
    ]

"""Fills the month in its own database and measures each page: server time, statements, and plans on big tables."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from django.db import connection, connections

from tests.bench.aims import Aim
from tests.bench.numbers import percentile
from tests.bench.scale.clock import Clock, Elapsed
from tests.bench.scale.database import empty, refuse_other_rows, separate_database
from tests.bench.scale.fill import vacuum
from tests.bench.scale.health.fill import fill_month, is_filled
from tests.bench.scale.health.pages import list_health_pages
from tests.bench.scale.health.size import DAYS, MonthSize
from tests.bench.scale.health.statements import (
    Explained,
    StatementLog,
    find_slowest,
    read_big_tables,
)
from tests.bench.scale.targets import BUDGET_MS, HEALTH, Target

SUFFIX = "_health"
# After five uses the driver prepares a statement, and after five more the server may choose a generic plan.
WARM_UP = 12


@dataclass(frozen=True, slots=True)
class PageCost:
    """One page. `times`: of its uses after the warm-up. `statements`: of one use."""

    name: str
    times: list[Elapsed]
    statements: int
    explained: list[Explained]

    def as_json(self) -> dict[str, Any]:
        wall, cpu = [each.wall_ms for each in self.times], [each.judged_ms for each in self.times]
        return {
            "name": self.name,
            "uses": len(self.times),
            "wall_median_ms": median(wall),
            "wall_p95_ms": percentile(wall, 95),
            "cpu_median_ms": median(cpu),
            "cpu_p95_ms": percentile(cpu, 95),
            "statements": self.statements,
        }


def measure_health(
    size: MonthSize, *, host: str, uses: int, is_fresh: bool, on_progress: Callable[[str], None]
) -> Mapping[str, Any]:
    """Return the report of the part. The database is kept for the next run. Raises NotOurs."""
    with separate_database(SUFFIX):
        refuse_other_rows()
        if is_fresh or not is_filled(size):
            empty()
            fill_month(size, on_progress=on_progress)
        vacuum()
        costs = []
        for target in list_health_pages(host):
            on_progress(target.name)
            costs.append(measure_page(target, uses=uses))
        big = read_big_tables(size.least_big)
    explained = [each for cost in costs for each in cost.explained]
    return {
        "attempts": size.attempts,
        "days": DAYS,
        "workspaces": size.workspaces,
        "tables": big,
        "pages": [cost.as_json() for cost in costs],
        "plans": [each.as_json() for each in find_slowest(explained, big)],
    }


def measure_page(target: Target, *, uses: int) -> PageCost:
    connections.close_all()  # a new connection has no prepared statements
    clock = Clock()
    times = [clock.time(target.ask) for _ in range(WARM_UP + uses)][WARM_UP:]
    log = StatementLog(target.name)
    with connection.execute_wrapper(log):
        target.ask()
    return PageCost(target.name, times, log.count, log.explained)


def judge_health(report: Mapping[str, Any]) -> Aim:
    """Like the other pages: by CPU time of process and session, or by elapsed time if that is less."""
    budget = BUDGET_MS[HEALTH]
    worst = max(report["pages"], key=lambda page: page["cpu_p95_ms"])
    measured = f"slowest p95 {worst['cpu_p95_ms']:.1f} ms ({worst['name']})"
    return Aim(HEALTH, f"< {budget} ms each, p95", measured, worst["cpu_p95_ms"] < budget)

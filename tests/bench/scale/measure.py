"""Measures each target many times on one connection: its time, whether it gets slower, and the rows that it reads."""

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Final

from django.db import connection, connections

from routing.dispatch.backlog_counts import MAX_COUNTED
from tests.bench.scale.clock import Clock, Elapsed
from tests.bench.scale.targets import Target
from tests.support.row_counter import RowCounter

# The driver prepares a statement after five uses, and the server chooses a generic plan after five more.
USES: Final = 50
FEW: Final = 5
LONG_USES: Final = 2
# A slow page shows it in fewer than fifty uses.
SLOW_SECONDS: Final = 30.0
SLOWER: Final = 2.0
NOISE_MS: Final = 15.0
# Rows of tables that grow with history. A million leads per year are 2,740 per day. The dispatch page reads up to
# MAX_COUNTED waiting and as many overdue leads; no page reads more.
MAX_ROWS: Final = 2 * MAX_COUNTED + 1_000


@dataclass(frozen=True, slots=True)
class Measured:
    """Medians: `first_ms` and `last_ms` of the first and last uses, `wall_ms` of the last by the wall clock.

    `rows`: read of growing tables in one use.
    """

    part: str
    name: str
    budget_ms: int
    first_ms: float
    last_ms: float
    wall_ms: float
    uses: int
    rows: int | None
    problem: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def measure(target: Target, *, uses: int = USES) -> Measured:
    """Measure a target again if it is over its budget: another process may have used the machine."""
    measured = _measure(target, uses=uses)
    return _measure(target, uses=uses) if measured.problem and target.is_request else measured


def _measure(target: Target, *, uses: int) -> Measured:
    connections.close_all()  # a new connection has no prepared statements
    times = list(_ask(target.ask, uses=uses if target.is_request else LONG_USES))
    rows = _count_rows(target.ask) if target.is_request else None
    tail = times[-FEW:] if target.is_request else times[-1:]
    first = median(_judged_ms(each, target) for each in times[1 : 1 + FEW])
    last = median(_judged_ms(each, target) for each in tail)
    problem = _judge(first, last, budget_ms=target.budget_ms, rows=rows)
    wall = median(each.wall_ms for each in tail)
    return Measured(target.part, target.name, target.budget_ms, first, last, wall, len(times), rows, problem)


def _judged_ms(elapsed: Elapsed, target: Target) -> float:
    return elapsed.wall_ms if target.has_processes else elapsed.judged_ms


def _ask(ask: Callable[[], None], *, uses: int) -> Iterator[Elapsed]:
    clock = Clock()
    deadline = time.monotonic() + SLOW_SECONDS
    for number in range(uses):
        yield clock.time(ask)
        if number and time.monotonic() > deadline:
            return


def _judge(first: float, last: float, *, budget_ms: int, rows: int | None) -> str:
    if last > budget_ms:
        return "over its budget"
    if last > SLOWER * first and last - first > NOISE_MS:
        return "slower with use"
    if rows is not None and rows > MAX_ROWS:
        return "reads history"
    return ""


def _count_rows(ask: Callable[[], None]) -> int:
    """Count the rows that one use reads from growing tables, including those that it discards."""
    counter = RowCounter()
    with connection.execute_wrapper(counter):
        ask()
    return counter.rows

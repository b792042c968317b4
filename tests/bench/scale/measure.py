"""Asks each target many times on one connection: how long, whether it gets slower, and how many rows it reads."""

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Final

from django.db import connection, connections

from routing.dispatch.backlog_counts import LEADS_LOOKED_AT
from tests.bench.scale.clock import Clock, Elapsed
from tests.bench.scale.targets import Target
from tests.support.row_counter import RowCounter

# The driver prepares a statement after five uses, and the server settles for a generic plan after five more.
USES: Final = 50
FEW: Final = 5
LONG_USES: Final = 2
# A page that is slow already needs no fifty uses to say so.
SLOW_SECONDS: Final = 30.0
SLOWER: Final = 2.0
NOISE_MS: Final = 15.0
# Of the tables that grow with history; a day of a million leads a year are 2,740. The dispatch page looks at so many
# leads that wait, and so many that are overdue; no page at more.
MOST_ROWS: Final = 2 * LEADS_LOOKED_AT + 1_000


@dataclass(frozen=True, slots=True)
class Measured:
    """Medians: `first_ms` and `last_ms` of the first and of the last uses, `wall_ms` of the last on the wall.

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
    """What is over its budget is asked once more: something else may have had the machine."""
    measured = _measure(target, uses=uses)
    return _measure(target, uses=uses) if measured.problem and target.is_request else measured


def _measure(target: Target, *, uses: int) -> Measured:
    connections.close_all()  # nothing is prepared on a new one
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
    if rows is not None and rows > MOST_ROWS:
        return "reads history"
    return ""


def _count_rows(ask: Callable[[], None]) -> int:
    """The rows that the statements of one use take from growing tables, whether or not they throw them away."""
    counter = RowCounter()
    with connection.execute_wrapper(counter):
        ask()
    return counter.rows

"""Asks each target many times on one connection: how long, whether it gets slower, and how many rows it reads."""

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Final

from django.db import connection, connections

from distribution.bench.scale.clock import Clock, Elapsed
from distribution.bench.scale.targets import Target
from distribution.models import Assignment, LedgerEntry
from routing.dispatch.state import LEADS_LOOKED_AT
from routing.models import IdempotencyRecord, Lead
from tracing.models import Attempt, AuditEntry, LeadDistributionEvent

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
GROWING: Final = {
    model._meta.db_table
    for model in (
        Lead,
        Attempt,
        LeadDistributionEvent,
        Assignment,
        LedgerEntry,
        AuditEntry,
        IdempotencyRecord,
    )
}
READS: Final = re.compile(r"\s*(SELECT|WITH)\b", re.IGNORECASE)
WRITES: Final = re.compile(r"\b(INSERT|UPDATE|DELETE|nextval|advisory)\b", re.IGNORECASE)


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
    first = median(each.judged_ms for each in times[1 : 1 + FEW])
    last = median(each.judged_ms for each in tail)
    problem = _judge(first, last, budget_ms=target.budget_ms, rows=rows)
    wall = median(each.wall_ms for each in tail)
    return Measured(target.part, target.name, target.budget_ms, first, last, wall, len(times), rows, problem)


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


class RowCounter:
    """Explains each reading statement before it is run."""

    def __init__(self) -> None:
        self.rows = 0
        self._is_explaining = False

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001 - Django's signature
        if not (self._is_explaining or many) and READS.match(sql) and not WRITES.search(sql):
            self._is_explaining = True
            try:
                self.rows += self._explain(sql, params)
            finally:
                self._is_explaining = False
        return execute(sql, params, many, context)

    def _explain(self, sql: str, params: Any) -> int:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}", params)
            [(found,)] = cursor.fetchall()
        plan = json.loads(found) if isinstance(found, str) else found
        return sum(_taken(node) for node in _nodes(plan[0]["Plan"]))


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for each in node.get("Plans", []):
        yield from _nodes(each)


def _taken(node: dict[str, Any]) -> int:
    if node.get("Relation Name") not in GROWING:
        return 0
    each: float = (
        node["Actual Rows"]
        + node.get("Rows Removed by Filter", 0)
        + node.get("Rows Removed by Index Recheck", 0)
    )
    loops: int = node["Actual Loops"]
    return round(each * loops)

"""Reads the roll-up: what the attempts of a window came to. One statement a function, over hours and not attempts.

`ids`: the workspaces whose attempts are read; None: all of them, from the totals.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from leadswitch.levels.health_page.window import DAY, Window
from leadswitch.levels.objectives import AVAILABILITY_DEADLINE_SECONDS, LATENCY_LIMIT_SECONDS
from leadswitch.levels.rows import fetch_row, fetch_rows
from tracing.models import AttemptResult
from tracing.rollups.edges import BINS, EDGES_SECONDS

TOTAL: Final = "FROM tracing_attempthourtotal WHERE hour >= %(start)s AND hour < %(end)s"
OF_WORKSPACES: Final = (
    "FROM {table} WHERE destination_workspace_id = ANY(%(ids)s) AND hour >= %(start)s AND hour < %(end)s"
)
HOURS: Final = "tracing_attempthour"
# A day has one row where its hours have up to 24.
DAYS: Final = "tracing_attemptday"
STEP: Final = "date_trunc(%(unit)s, hour, 'UTC')"


def _sum(column: str, places: Sequence[int]) -> str:
    """One hour's count fits an integer, whose sum is much faster than that of a bigint."""
    return " + ".join(f"sum({column}[{place + 1}]::int)" for place in places)


def _sums(column: str) -> str:
    return f"ARRAY[{', '.join(_sum(column, [place]) for place in range(BINS))}]"


def _above(seconds: float) -> Sequence[int]:
    return range(EDGES_SECONDS.index(seconds) + 1, BINS)


STEPS: Final = f"SELECT {STEP}, result, sum(count::int), {_sums('due_bins')} {{source}} GROUP BY 1, 2"
TIMES: Final = f"SELECT {_sums('receipt_bins')}, {_sums('duration_bins')} {{source}}"
DECISIONS: Final = f"""
SELECT result, skip_reason, sum(count::int), {_sum("due_bins", range(BINS))},
    {_sum("due_bins", _above(LATENCY_LIMIT_SECONDS))}, {_sum("due_bins", _above(AVAILABILITY_DEADLINE_SECONDS))}
{{source}} GROUP BY 1, 2
"""
MOST_OF: Final = """
SELECT h.destination_workspace_id, w.name, sum(h.count::int) AS number
FROM {table} h JOIN routing_workspace w ON w.id = h.destination_workspace_id
WHERE h.result = %(result)s AND h.hour >= %(start)s AND h.hour < %(end)s
    AND (%(ids)s::bigint[] IS NULL OR h.destination_workspace_id = ANY(%(ids)s))
GROUP BY 1, 2 ORDER BY number DESC, w.name LIMIT %(most)s
"""
EXPIRED: Final = (
    "SELECT date_trunc('day', hour, 'UTC'), sum(count::int) {source} AND result = 'expired' GROUP BY 1"
)

# Attempts name their workspace, the queue does not. Both look at no more than the first of the queue.
UNCOUNTED: Final = "SELECT count(*), count(*) FROM (SELECT FROM tracing_uncountedattempt LIMIT %(most)s) q"
UNCOUNTED_OF_WORKSPACES: Final = """
SELECT count(*) FILTER (WHERE a.destination_workspace_id = ANY(%(ids)s)), count(*)
FROM (SELECT attempt_id FROM tracing_uncountedattempt LIMIT %(most)s) q
LEFT JOIN tracing_attempt a ON a.id = q.attempt_id
"""


@dataclass(frozen=True, slots=True)
class Decisions:
    """Attempts of one result and reason. `timed`: those with a due time; `slow`, `late`: past an objective's limit."""

    result: str
    skip_reason: str
    count: int
    timed: int
    slow: int
    late: int


@dataclass(frozen=True, slots=True)
class Uncounted:
    """Attempts that the next run of the reconciler adds. `is_least`: there may be more."""

    number: int
    is_least: bool


@dataclass(frozen=True, slots=True)
class WorkspaceCount:
    id: int
    name: str
    count: int


def read_steps(
    window: Window, ids: Sequence[int] | None
) -> tuple[Mapping[tuple[datetime, str], int], Mapping[datetime, Sequence[int]]]:
    """Attempts by step and result, and the bins from due to decided by step."""
    rows = _read(STEPS, ids, _table(window), start=window.start, end=window.end, unit=window.unit)
    bins: dict[datetime, Sequence[int]] = {}
    for step, _, _, counts in rows:
        before = bins.get(step, [0] * BINS)
        bins[step] = [old + new for old, new in zip(before, counts, strict=True)]
    return {(step, result): number for step, result, number, _ in rows}, bins


def read_times(window: Window, ids: Sequence[int] | None) -> tuple[Sequence[int], Sequence[int]]:
    """From receipt to the first decision, and how long attempts took."""
    receipt, duration = [0] * BINS, [0] * BINS
    for table, start, end in [(HOURS, window.start, window.end)] if ids is None else _parts(window):
        [(received, took)] = _read(TIMES, ids, table, start=start, end=end)
        if received[0] is not None:
            receipt = [old + new for old, new in zip(receipt, received, strict=True)]
            duration = [old + new for old, new in zip(duration, took, strict=True)]
    return receipt, duration


def read_decisions(start: datetime, end: datetime, ids: Sequence[int] | None) -> Sequence[Decisions]:
    """Of whole days. Without attempts that are retried: they decide nothing."""
    rows = [Decisions(*row) for row in _read(DECISIONS, ids, DAYS, start=start, end=end)]
    return [row for row in rows if row.result != AttemptResult.RETRY]


def read_most(
    result: AttemptResult, window: Window, ids: Sequence[int] | None, *, most: int
) -> Sequence[WorkspaceCount]:
    """The workspaces with the most attempts of one result."""
    values = {"result": result.value, "most": most, "start": window.start, "end": window.end}
    return [WorkspaceCount(*row) for row in _read(MOST_OF, ids, _table(window), **values)]


def read_expired(start: datetime, end: datetime, ids: Sequence[int] | None) -> Mapping[datetime, int]:
    """By day, of whole days."""
    return dict(_read(EXPIRED, ids, DAYS, start=start, end=end))


def count_uncounted(ids: Sequence[int] | None, *, most: int) -> Uncounted:
    """`most`: attempts of the queue that are looked at."""
    statement = UNCOUNTED if ids is None else UNCOUNTED_OF_WORKSPACES
    number, looked_at = fetch_row(statement, {"ids": None if ids is None else list(ids), "most": most})
    return Uncounted(number, is_least=looked_at >= most)


def _parts(window: Window) -> Sequence[tuple[str, datetime, datetime]]:
    """The hours before the first midnight, and the days after it. The last day has no hours after the window."""
    midnight = window.start.replace(hour=0)
    if midnight < window.start:
        midnight += DAY
    parts = [(HOURS, window.start, midnight), (DAYS, midnight, window.end)]
    return [(table, start, end) for table, start, end in parts if start < end]


def _table(window: Window) -> str:
    return DAYS if window.unit == "day" else HOURS


def _read(statement: str, ids: Sequence[int] | None, table: str, **values: Any) -> list[Any]:
    """`table`: of single workspaces."""
    text = statement.format(source=TOTAL if ids is None else OF_WORKSPACES.format(table=table), table=table)
    return fetch_rows(text, {"ids": None if ids is None else list(ids), **values})

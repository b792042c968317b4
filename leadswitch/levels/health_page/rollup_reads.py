"""Reads the roll-up: the results of the attempts in a window. Each function runs one statement, over hours and not
attempts.

`ids`: the workspaces whose attempts are read; None: all of them, from the totals.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from leadswitch.levels.health_page.bins import add_bins
from leadswitch.levels.health_page.window import Window
from leadswitch.levels.objectives import AVAILABILITY_DEADLINE_SECONDS, LATENCY_LIMIT_SECONDS
from leadswitch.levels.rows import fetch_row, fetch_rows
from tracing.models import AttemptResult
from tracing.rollups.edges import BINS, EDGES_SECONDS

DAY_OF_HOUR: Final = "date_trunc('day', hour, 'UTC')"
TOTAL: Final = "FROM tracing_attempthourtotal WHERE hour >= %(start)s AND hour < %(end)s"
OF_WORKSPACES: Final = (
    "FROM {table} WHERE destination_workspace_id = ANY(%(ids)s) AND hour >= %(start)s AND hour < %(end)s"
)
# By unit of a window: results, and times of all results together. A day has one row where its hours have up to 24.
RESULTS: Final = {"hour": "tracing_attempthour", "day": "tracing_attemptday"}
TIMES: Final = {"hour": "tracing_workspacehour", "day": "tracing_workspaceday"}


def _sum(column: str, places: Sequence[int]) -> str:
    """The count of one row fits an integer, whose sum is much faster than that of a bigint."""
    return f"sum({' + '.join(f'{column}[{place + 1}]::int' for place in places)})"


def _sums(column: str) -> str:
    return f"ARRAY[{', '.join(_sum(column, [place]) for place in range(BINS))}]"


def _between(limit: float | None, next_limit: float | None) -> Sequence[int]:
    """The places of the bins above `limit` and up to `next_limit`."""
    first = 0 if limit is None else EDGES_SECONDS.index(limit) + 1
    return range(first, BINS if next_limit is None else EDGES_SECONDS.index(next_limit) + 1)


STEP_RESULTS: Final = "SELECT {step}, result, sum(count::int) {source} GROUP BY 1, 2"
STEP_TIMES: Final = f"""
SELECT {{step}}, {_sums("due_bins")}, {_sums("receipt_bins")}, {_sums("duration_bins")} {{source}} GROUP BY 1
"""
# Each bin is read once: in time, slow but not late, and late. Retried attempts decide nothing.
DECISIONS: Final = f"""
SELECT result, skip_reason, sum(count::int), {_sum("due_bins", _between(None, LATENCY_LIMIT_SECONDS))},
    {_sum("due_bins", _between(LATENCY_LIMIT_SECONDS, AVAILABILITY_DEADLINE_SECONDS))},
    {_sum("due_bins", _between(AVAILABILITY_DEADLINE_SECONDS, None))}
{{source}} AND result <> 'retry' GROUP BY 1, 2
"""
TOP_WORKSPACES: Final = """
SELECT h.destination_workspace_id, w.name, sum(h.count::int) AS number
FROM {table} h JOIN routing_workspace w ON w.id = h.destination_workspace_id
WHERE h.result = %(result)s AND h.hour >= %(start)s AND h.hour < %(end)s
    AND (%(ids)s::bigint[] IS NULL OR h.destination_workspace_id = ANY(%(ids)s))
GROUP BY 1, 2 ORDER BY number DESC, w.name LIMIT %(most)s
"""
EXPIRED: Final = "SELECT {step}, sum(count::int) {source} AND result = 'expired' GROUP BY 1"

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
class Times:
    """Attempts of a window by bin. `due`: from due to decided; `receipt`: to the first decision; `duration`: each."""

    due_by_step: Mapping[datetime, Sequence[int]]
    due: Sequence[int]
    receipt: Sequence[int]
    duration: Sequence[int]


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


def read_results(window: Window, ids: Sequence[int] | None) -> Mapping[tuple[datetime, str], int]:
    """Attempts by step and result."""
    rows = _read(STEP_RESULTS, ids, RESULTS, start=window.start, end=window.end, unit=window.unit)
    return {(step, result): number for step, result, number in rows}


def read_times(window: Window, ids: Sequence[int] | None) -> Times:
    rows = _read(STEP_TIMES, ids, TIMES, start=window.start, end=window.end, unit=window.unit)
    return Times(
        due_by_step={step: due for step, due, _, _ in rows},
        due=add_bins([due for _, due, _, _ in rows]),
        receipt=add_bins([receipt for _, _, receipt, _ in rows]),
        duration=add_bins([duration for _, _, _, duration in rows]),
    )


def read_decisions(start: datetime, end: datetime, ids: Sequence[int] | None) -> Sequence[Decisions]:
    """Of whole days. Without attempts that are retried: they decide nothing."""
    rows = _read(DECISIONS, ids, RESULTS, start=start, end=end, unit="day")
    return [
        Decisions(result, reason, number, timed=prompt + slow + late, slow=slow + late, late=late)
        for result, reason, number, prompt, slow, late in rows
    ]


def read_most(
    result: AttemptResult, window: Window, ids: Sequence[int] | None, *, most: int
) -> Sequence[WorkspaceCount]:
    """The workspaces with the most attempts of one result."""
    values = {"result": result.value, "most": most, "start": window.start, "end": window.end}
    return [WorkspaceCount(*row) for row in _read(TOP_WORKSPACES, ids, RESULTS, unit=window.unit, **values)]


def read_expired(start: datetime, end: datetime, ids: Sequence[int] | None) -> Mapping[datetime, int]:
    """By day, of whole days."""
    return dict(_read(EXPIRED, ids, RESULTS, start=start, end=end, unit="day"))


def count_uncounted(ids: Sequence[int] | None, *, most: int) -> Uncounted:
    """`most`: how many attempts of the queue are read."""
    statement = UNCOUNTED if ids is None else UNCOUNTED_OF_WORKSPACES
    number, read = fetch_row(statement, {"ids": None if ids is None else list(ids), "most": most})
    return Uncounted(number, is_least=read >= most)


def _read(
    statement: str, ids: Sequence[int] | None, tables: Mapping[str, str], *, unit: str, **values: Any
) -> list[Any]:
    """`tables`: of single workspaces, by unit. The totals have hours alone, which are cut to days."""
    table = tables[unit]
    source, step = OF_WORKSPACES.format(table=table), "hour"
    if ids is None:
        source, step = TOTAL, "hour" if unit == "hour" else DAY_OF_HOUR
    text = statement.format(source=source, step=step, table=table)
    return fetch_rows(text, {"ids": None if ids is None else list(ids), **values})

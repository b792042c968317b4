"""The SQL that counts attempts into hours: of a set of ids, or of one hour.

The first decision of a lead is its first attempt that did not end as `retry`. Earlier attempts are committed, because
an attempt holds the lead's lock: counting the same attempt again gives the same bins.
"""

# ruff: noqa: S608 - only constants of this module are put into the text
from typing import Final

from tracing.rollups.edges import BINS, EDGES_SECONDS

# width_bucket includes the lower edge. A histogram's edges are included above: with both negated, they are.
_NEGATED: Final = ", ".join(f"{-edge}" for edge in reversed(EDGES_SECONDS))


def _bin(seconds: str) -> str:
    return f"{BINS - 1} - width_bucket(-({seconds}), ARRAY[{_NEGATED}]::float8[])"


def _seconds(since: str) -> str:
    return f"greatest(0, extract(epoch FROM a.finished_at - {since}))::float8"


def _sums(column: str) -> str:
    counts = ", ".join(f"count(*) FILTER (WHERE {column} = {number})" for number in range(BINS))
    return f"ARRAY[{counts}]"


# Reads `batch (id)`.
_MEASURED: Final = f"""
measured AS (
    SELECT date_trunc('hour', a.started_at, 'UTC') AS hour, date_trunc('day', a.started_at, 'UTC') AS day,
        a.source_workspace_id,
        COALESCE(a.destination_workspace_id, 0) AS destination_workspace_id, a.result, a.skip_reason,
        {_bin("a.duration_ms / 1000")} AS took,
        CASE WHEN a.due_at IS NOT NULL AND a.result <> 'retry' THEN {_bin(_seconds("a.due_at"))} END AS due,
        CASE WHEN a.due_at IS NOT NULL AND a.received_at IS NOT NULL AND a.result <> 'retry' AND (
            a.number = 1 OR NOT EXISTS (
                SELECT 1 FROM tracing_attempt e
                WHERE e.lead_id = a.lead_id AND e.number < a.number AND e.result <> 'retry'
            )
        ) THEN {_bin(_seconds("a.received_at"))} END AS receipt
    FROM batch JOIN tracing_attempt a ON a.id = batch.id
)"""
_CELL: Final = "hour, source_workspace_id, destination_workspace_id, result, skip_reason"
_TOTAL: Final = "hour, result, skip_reason"
_DAY: Final = "hour, destination_workspace_id, result, skip_reason"
_WORKSPACE: Final = "hour, destination_workspace_id"
_VALUES: Final = (
    f"count(*) AS count, {_sums('took')} AS took, {_sums('due')} AS due, {_sums('receipt')} AS receipt"
)
_COLUMNS: Final = "count, duration_bins, due_bins, receipt_bins"


def _add(table: str, key: str, *, since: str = "hour") -> str:
    """`since`: the column of `measured` that is the start of the hour or day."""
    values = key.replace("hour", since, 1)
    added = ", ".join(
        f"{name} = ARRAY(SELECT x + y FROM unnest(c.{name}, excluded.{name})"
        " WITH ORDINALITY AS u(x, y, place) ORDER BY place)"
        for name in ("duration_bins", "due_bins", "receipt_bins")
    )
    return (
        f"INSERT INTO {table} AS c ({key}, {_COLUMNS}) SELECT {values}, {_VALUES} FROM measured GROUP BY {values}"
        f" ORDER BY {values} ON CONFLICT ({key}) DO UPDATE SET count = c.count + excluded.count, {added}"
    )


_COUNT_HOURS: Final = f"""{_MEASURED},
cells AS ({_add("tracing_attempthour", _CELL)}),
totals AS ({_add("tracing_attempthourtotal", _TOTAL)}),
workspaces AS ({_add("tracing_workspacehour", _WORKSPACE)})
"""
_COUNT: Final = f"""{_COUNT_HOURS},
days AS ({_add("tracing_attemptday", _DAY, since="day")}),
workspace_days AS ({_add("tracing_workspaceday", _WORKSPACE, since="day")})
"""

COUNT_QUEUED: Final = f"""
WITH batch AS (
    DELETE FROM tracing_uncountedattempt WHERE attempt_id = ANY(ARRAY(
        SELECT attempt_id FROM tracing_uncountedattempt ORDER BY attempt_id LIMIT %s FOR UPDATE SKIP LOCKED
    )) RETURNING attempt_id AS id
), {_COUNT}
SELECT count(*) FROM batch
"""

# Attempts in the queue are left to it. The trigger that queues them is older than this count.
COUNT_HISTORY: Final = f"""
WITH slice AS (
    SELECT id FROM tracing_attempt WHERE id > %s ORDER BY id LIMIT %s
), batch AS (
    SELECT id FROM slice WHERE NOT EXISTS (SELECT 1 FROM tracing_uncountedattempt q WHERE q.attempt_id = slice.id)
), {_COUNT}
SELECT (SELECT count(*) FROM batch), count(*), (array_agg(id ORDER BY id DESC))[1] FROM slice
"""

# Of one hour: %(hour)s to %(end)s. `counted_to` is NULL once all history is counted.
_OF_HOUR: Final = """
batch AS (
    SELECT id FROM tracing_attempt a WHERE a.started_at >= %(hour)s AND a.started_at < %(end)s
        AND (%(counted_to)s::uuid IS NULL OR a.id <= %(counted_to)s)
        AND NOT EXISTS (SELECT 1 FROM tracing_uncountedattempt q WHERE q.attempt_id = a.id)
)"""


def _differ(table: str, key: str) -> str:
    return f"""(SELECT count(*) FROM (
        SELECT {key}, {_VALUES} FROM measured GROUP BY {key}
    ) fresh FULL JOIN (SELECT * FROM {table} WHERE hour = %(hour)s) stored USING ({key})
    WHERE (fresh.count, fresh.took, fresh.due, fresh.receipt)
        IS DISTINCT FROM (stored.count, stored.duration_bins, stored.due_bins, stored.receipt_bins))"""


COMPARE_HOUR: Final = f"""
WITH {_OF_HOUR}, {_MEASURED}
SELECT (SELECT count(*) FROM measured),
    {_differ("tracing_attempthour", _CELL)} + {_differ("tracing_attempthourtotal", _TOTAL)}
        + {_differ("tracing_workspacehour", _WORKSPACE)}
"""
RECOUNT_HOUR: Final = f"WITH {_OF_HOUR}, {_COUNT_HOURS} SELECT count(*) FROM batch"


def _add_up(column: str) -> str:
    sums = ", ".join(f"sum({column}[{place + 1}])::bigint" for place in range(BINS))
    return f"ARRAY[{sums}] AS {column}"


def _of_day(hours: str, cell: str) -> str:
    """A day follows from its hours, without its attempts: %(day)s to %(next_day)s. `cell`: its columns but the hour."""
    sums = ", ".join(_add_up(name) for name in ("duration_bins", "due_bins", "receipt_bins"))
    return (
        f"SELECT %(day)s::timestamptz AS hour, {cell}, sum(count)::bigint AS count, {sums}"
        f" FROM {hours} WHERE hour >= %(day)s AND hour < %(next_day)s GROUP BY {cell}"
    )


def _differ_from_hours(days: str, hours: str, cell: str) -> str:
    return f"""(SELECT count(*) FROM ({_of_day(hours, cell)}) fresh
    FULL JOIN (SELECT * FROM {days} WHERE hour = %(day)s) stored USING (hour, {cell})
    WHERE (fresh.count, fresh.duration_bins, fresh.due_bins, fresh.receipt_bins)
        IS DISTINCT FROM (stored.count, stored.duration_bins, stored.due_bins, stored.receipt_bins))"""


# By table of days: the table of its hours, and the columns of a cell.
_DAYS: Final = {
    "tracing_attemptday": ("tracing_attempthour", "destination_workspace_id, result, skip_reason"),
    "tracing_workspaceday": ("tracing_workspacehour", "destination_workspace_id"),
}
COMPARE_DAY: Final = "SELECT " + " + ".join(
    _differ_from_hours(days, hours, cell) for days, (hours, cell) in _DAYS.items()
)
RECOUNT_DAY: Final = tuple(
    f"INSERT INTO {days} (hour, {cell}, {_COLUMNS}) {_of_day(hours, cell)}"
    for days, (hours, cell) in _DAYS.items()
)

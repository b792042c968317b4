"""What the commands of the runbooks print: retries and failures by reason, and the statements of PostgreSQL.

Reads only. Rows name workspaces, reasons and processes. Of a statement they have the first word: its values may be
personal data.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection

from leadswitch.database.connections import CONNECTIONS_LIMIT
from routing.leads.due_retries import IS_DUE_RETRY

# Retries through the index of the retry queue.
RETRIES: Final = f"""
SELECT w.slug AS workspace, l.skip_reason AS reason, count(*) FILTER (WHERE {IS_DUE_RETRY}) AS due, count(*) AS open,
    coalesce(extract(epoch FROM now() - min(l.next_attempt_at) FILTER (WHERE {IS_DUE_RETRY})), 0)::int
        AS oldest_due_seconds
FROM routing_lead l
JOIN routing_workspace w ON w.id = l.workspace_id
WHERE l.status = 'pending' AND l.attempts > 0 AND (%(workspace)s::text IS NULL OR w.slug = %(workspace)s)
GROUP BY w.slug, l.skip_reason
ORDER BY due DESC, open DESC, w.slug, l.skip_reason
LIMIT %(limit)s
"""  # noqa: S608 - only constants are put in
# Attempts through the index of their start.
FAILURES: Final = """
SELECT coalesce(w.slug, '') AS workspace, a.result, a.skip_reason AS reason, count(*) AS attempts,
    max(a.started_at) AS last_at, (array_agg(l.public_id ORDER BY a.started_at DESC))[1] AS last_lead
FROM tracing_attempt a
JOIN routing_lead l ON l.id = a.lead_id
LEFT JOIN routing_workspace w ON w.id = coalesce(a.destination_workspace_id, a.source_workspace_id)
WHERE a.started_at > now() - make_interval(mins => %(minutes)s) AND a.result IN ('failed', 'retry') AND NOT a.is_test
    AND (%(workspace)s::text IS NULL OR w.slug = %(workspace)s)
GROUP BY w.slug, a.result, a.skip_reason
ORDER BY attempts DESC, w.slug, a.result, a.skip_reason
LIMIT %(limit)s
"""
CONNECTIONS: Final = f"""
SELECT coalesce(state, 'other') AS state, count(*) AS connections, {CONNECTIONS_LIMIT} AS limit
FROM pg_stat_activity
WHERE backend_type = 'client backend'
GROUP BY 1
ORDER BY 2 DESC
"""  # noqa: S608 - only constants are put in
# Sessions of this database that wait for a lock, and its transactions of more than a second.
BUSY: Final = """
SELECT pid::text AS pid, usename AS role, application_name AS program, state,
    coalesce(extract(epoch FROM now() - xact_start), 0)::int AS transaction_seconds,
    CASE WHEN wait_event_type = 'Lock' THEN array_to_string(pg_blocking_pids(pid), ', ') ELSE '' END AS waits_for_pid,
    upper((regexp_match(query, '\\w+'))[1]) AS statement
FROM pg_stat_activity
WHERE backend_type = 'client backend' AND datname = current_database() AND pid <> pg_backend_pid()
    AND (wait_event_type = 'Lock' OR now() - xact_start > interval '1 second')
ORDER BY transaction_seconds DESC, pg_stat_activity.pid
LIMIT %(limit)s
"""
TABLES: Final = """
SELECT relname AS table, pg_table_size(relid) AS table_bytes, pg_indexes_size(relid) AS index_bytes,
    n_live_tup AS live_rows, n_dead_tup AS dead_rows, greatest(last_vacuum, last_autovacuum) AS last_vacuum_at
FROM pg_stat_user_tables
ORDER BY pg_table_size(relid) + pg_indexes_size(relid) DESC, relname
LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Report:
    """A table for people. `empty` is what to print if there are no rows."""

    title: str
    columns: Sequence[str]
    rows: Sequence[tuple[Any, ...]]
    empty: str


def report_retries(*, workspace: str | None = None, limit: int = 20) -> Report:
    """Count the retry queue. `workspace` is a slug; None: all of them."""
    return read_report(
        "Retries", RETRIES, {"workspace": workspace, "limit": limit}, empty="No lead is in the retry queue."
    )


def report_failures(*, minutes: int, workspace: str | None = None, limit: int = 20) -> Report:
    """Count attempts on which the product failed, or which are tried again, in the last `minutes`."""
    values = {"minutes": minutes, "workspace": workspace, "limit": limit}
    empty = f"No attempt failed in the last {minutes} minutes."
    return read_report(
        f"Failed and retried attempts of the last {minutes} minutes", FAILURES, values, empty=empty
    )


def report_database(*, limit: int = 10) -> list[Report]:
    """Connections against their limit, sessions that wait or last, and the largest tables (sizes in bytes)."""
    values = {"limit": limit}
    return [
        read_report("Connections", CONNECTIONS, values, empty="PostgreSQL shows no connection."),
        read_report(
            "Waiting sessions and long transactions",
            BUSY,
            values,
            empty="No session waits for a lock, and no transaction is older than a second.",
        ),
        read_report("Largest tables", TABLES, values, empty="There are no tables: run `manage.py migrate`."),
    ]


def read_report(title: str, sql: str, values: Mapping[str, Any], *, empty: str) -> Report:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        columns = [column.name for column in cursor.description or ()]
        return Report(title, columns, cursor.fetchall(), empty)

"""Connections, statements and locks of PostgreSQL. The exporter's own session is left out."""

from typing import Final

from leadswitch.database.connections import CONNECTIONS_LIMIT
from leadswitch.levels.exporter.series import CollectorRow, Series, Values
from leadswitch.levels.rows import fetch_row, fetch_rows

SLOW_SECONDS: Final = 1
STATES: Final = ("active", "idle", "idle_in_transaction", "other")

UP: Final = Series("leadswitch_up", "1 if PostgreSQL responded to the last pass of the collector postgres.")
CONNECTIONS: Final = Series(
    "leadswitch_postgres_connections",
    "Connections of all clients to the server, by state: active, idle, idle_in_transaction, other.",
    "state",
)
LIMIT: Final = Series(
    "leadswitch_postgres_connections_limit",
    "Connections that roles without special rights may have open at the same time.",
)
SLOW: Final = Series(
    "leadswitch_postgres_slow_queries",
    f"Statements in this database that have been running for longer than {SLOW_SECONDS} s.",
)
WAITING: Final = Series(
    "leadswitch_postgres_waiting_queries", "Statements in this database that wait for a lock."
)
LOCK_WAITS: Final = Series(
    "leadswitch_postgres_lock_waits", "Locks in this database that are requested and not granted."
)
LONGEST: Final = Series(
    "leadswitch_postgres_longest_transaction_seconds",
    "How long the oldest open transaction in this database has been open; 0: none is open.",
)

COUNT_CONNECTIONS: Final = """
SELECT CASE state WHEN 'active' THEN 'active' WHEN 'idle' THEN 'idle'
    WHEN 'idle in transaction' THEN 'idle_in_transaction'
    WHEN 'idle in transaction (aborted)' THEN 'idle_in_transaction' ELSE 'other' END, count(*)
FROM pg_stat_activity WHERE datid IS NOT NULL AND pid <> pg_backend_pid() AND backend_type = 'client backend' GROUP BY 1
"""
READ_LIMIT: Final = f"SELECT {CONNECTIONS_LIMIT}"
READ_ACTIVITY: Final = """
SELECT count(*) FILTER (WHERE state = 'active' AND clock_timestamp() - query_start > make_interval(secs => %(slow)s)),
    count(*) FILTER (WHERE state = 'active' AND wait_event_type = 'Lock'),
    coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)::float8
FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
COUNT_LOCK_WAITS: Final = """
SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE NOT l.granted AND a.datname = current_database()
"""


def read() -> Values:
    counts = dict.fromkeys(STATES, 0.0) | {
        state: float(count) for state, count in fetch_rows(COUNT_CONNECTIONS)
    }
    (limit,), (lock_waits,) = fetch_row(READ_LIMIT), fetch_row(COUNT_LOCK_WAITS)
    slow, waiting, longest = fetch_row(READ_ACTIVITY, {"slow": SLOW_SECONDS})
    return {
        CONNECTIONS: counts,
        LIMIT: limit,
        SLOW: slow,
        WAITING: waiting,
        LOCK_WAITS: lock_waits,
        LONGEST: longest,
    }


POSTGRES: Final = CollectorRow(
    "postgres", (CONNECTIONS, LIMIT, SLOW, WAITING, LOCK_WAITS, LONGEST), read, answers=UP
)

"""A consistent view of the database for all checks: a read-only transaction, shared with other processes.

The checks do not see sales that commit while they run.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from django.db import connection, transaction
from psycopg.sql import SQL, Literal

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

READ: Final = """
SELECT clock_timestamp(), pg_export_snapshot(), pg_snapshot_xmin(pg_current_snapshot())::text::bigint,
    pg_snapshot_xmax(pg_current_snapshot())::text::bigint
"""
SETTINGS: Final = (
    "SET LOCAL work_mem = '64MB'",
    # The best plan depends on the values of a slice: see slices.in_leads.
    "SET LOCAL plan_cache_mode = 'force_custom_plan'",
    # The process that exports the snapshot keeps its transaction open, idle, for the whole run.
    "SET LOCAL idle_in_transaction_session_timeout = 0",
    # Several processes share the work, so each should use one core.
    "SET LOCAL max_parallel_workers_per_gather = 0",
)


@dataclass(frozen=True, slots=True)
class DatabaseSnapshot:
    """`name` lets other sessions share it. Transactions before `oldest` had ended; none from `next` on had begun."""

    at: datetime
    name: str
    oldest: int
    next: int


@contextmanager
def open_snapshot() -> Iterator[DatabaseSnapshot]:
    """Begins its own transaction, so it needs none open."""
    with _read_only() as cursor:
        cursor.execute(READ)
        snapshot = DatabaseSnapshot(*cursor.fetchone())
        _adjust(cursor)
        yield snapshot


@contextmanager
def join_snapshot(name: str) -> Iterator[None]:
    """Share another process's snapshot, while that process has it open."""
    with _read_only() as cursor:
        cursor.execute(SQL("SET TRANSACTION SNAPSHOT {}").format(Literal(name)).as_string())
        _adjust(cursor)
        yield


@contextmanager
def _read_only() -> Iterator["CursorWrapper"]:
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield cursor


def _adjust(cursor: "CursorWrapper") -> None:
    for setting in SETTINGS:
        cursor.execute(setting)

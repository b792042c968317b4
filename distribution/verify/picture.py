"""One consistent picture of the database for all that reads it: a read-only transaction, shared with other processes.

Sales that commit while the checks run cannot look half done.
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
    # The values of a slice decide how it is read: see slices.in_leads.
    "SET LOCAL plan_cache_mode = 'force_custom_plan'",
    # The process that shares the snapshot keeps it open, idle, for the whole run.
    "SET LOCAL idle_in_transaction_session_timeout = 0",
    # Processes share the work; each is to take one core.
    "SET LOCAL max_parallel_workers_per_gather = 0",
)


@dataclass(frozen=True, slots=True)
class Picture:
    """`name` lets other sessions see the same. Every transaction below `oldest` had ended, none from `next` on had."""

    at: datetime
    name: str
    oldest: int
    next: int


@contextmanager
def open_picture() -> Iterator[Picture]:
    """Needs to begin its own transaction."""
    with _read_only() as cursor:
        cursor.execute(READ)
        picture = Picture(*cursor.fetchone())
        _adjust(cursor)
        yield picture


@contextmanager
def share_picture(name: str) -> Iterator[None]:
    """See in this process what another one sees, while that has its picture open."""
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

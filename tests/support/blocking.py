"""Locks held by another connection, and waiting for another connection to wait."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.db import InterfaceError, OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper

WAITERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()
"""


@contextmanager
def another_connection() -> Iterator[BaseDatabaseWrapper]:
    """A connection of its own to the test database, in a transaction that is rolled back at the end."""
    other = connection.copy()
    try:
        other.set_autocommit(False)
        yield other
    finally:
        with suppress(OperationalError, InterfaceError):  # the test may have cut it off
            other.rollback()  # the server lets go of the locks of a closed connection whenever it notices
        other.close()


@contextmanager
def holding(sql: str, parameters: Any = None) -> Iterator[BaseDatabaseWrapper]:
    """Hold the locks that a statement takes."""
    with another_connection() as other:
        with other.cursor() as cursor:
            cursor.execute(sql, parameters)
        yield other


def wait_until_blocked(observer: BaseDatabaseWrapper, *, waiters: int = 1, seconds: float = 10.0) -> None:
    """Return once so many connections wait for a lock."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with observer.cursor() as cursor:
            cursor.execute(
                "SELECT pg_stat_clear_snapshot()"
            )  # a transaction sees one state of the activity else
            cursor.execute(WAITERS)
            if cursor.fetchone()[0] >= waiters:
                return
    message = f"nobody waited for a lock within {seconds} s"
    raise TimeoutError(message)

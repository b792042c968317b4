"""Locks held by another connection."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.db import InterfaceError, OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper


@contextmanager
def another_connection() -> Iterator[BaseDatabaseWrapper]:
    """A separate connection to the test database, in a transaction that is rolled back at the end."""
    other = connection.copy()
    try:
        other.set_autocommit(False)
        yield other
    finally:
        with suppress(OperationalError, InterfaceError):  # the test may have cut it off
            other.rollback()  # the server releases the locks of a closed connection only when it notices
        other.close()


@contextmanager
def short_lock_timeout() -> Iterator[None]:
    """Let the default connection wait at most 50 ms for a lock. Closes it at the end, which resets the limit."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '50ms'")
    try:
        yield
    finally:
        connection.close()


@contextmanager
def holding(sql: str, parameters: Any = None) -> Iterator[BaseDatabaseWrapper]:
    """Hold the locks that a statement takes."""
    with another_connection() as other:
        with other.cursor() as cursor:
            cursor.execute(sql, parameters)
        yield other

"""Waiting for a state of the database or of a process."""

from collections.abc import Callable, Sequence
from time import monotonic, sleep
from typing import Any, Final

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

LONGEST_SECONDS: Final = 60.0
# A twentieth of the wait so far: polls take no CPU from the process that the test waits for.
SHORTEST_PAUSE_SECONDS: Final = 0.005
LONGEST_PAUSE_SECONDS: Final = 0.05
PAUSE_SHARE: Final = 0.05
WAITING: Final = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()
"""


class TooSlow(AssertionError):
    """A state that a test waits for was not reached in time."""


def wait_until(condition: Callable[[], bool], *, what: str, seconds: float = LONGEST_SECONDS) -> None:
    """Poll for a state of the database or of a process. Raises TooSlow."""
    began_at = monotonic()
    while not condition():
        waited = monotonic() - began_at
        if waited > seconds:
            message = f"waited {seconds} s for this: {what}"
            raise TooSlow(message)
        sleep(min(LONGEST_PAUSE_SECONDS, max(SHORTEST_PAUSE_SECONDS, waited * PAUSE_SHARE)))


def wait_until_blocked(
    observer: BaseDatabaseWrapper | None = None, *, sessions: int = 1, seconds: float = LONGEST_SECONDS
) -> None:
    """Wait until this many sessions of the database wait for a lock. `observer` looks; None: the default connection."""
    wait_until(
        lambda: count_blocked(observer) >= sessions,
        what=f"{sessions} sessions that wait for a lock",
        seconds=seconds,
    )


def count_blocked(observer: BaseDatabaseWrapper | None = None) -> int:
    with (observer or connection).cursor() as cursor:
        # Within a transaction, later reads of the activity would repeat the first one.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(WAITING)
        [(count,)] = cursor.fetchall()
    return int(count)


def count_deadlocks() -> int:
    """Return how many deadlocks the server has broken in this database since its creation."""
    return int(fetch_value("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"))


def fetch_value(sql: str, parameters: Sequence[Any] = ()) -> Any:
    """Return the first column of the first row."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        row = cursor.fetchone()
    assert row is not None
    return row[0]

"""Threads and waiting for race tests: all start together, each has a connection of its own, errors are raised."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Any, Final, TypeVar

from django.db import connection, connections, transaction

Result = TypeVar("Result")
LONGEST_SECONDS: Final = 60.0


class TooSlow(AssertionError):
    """What a test waits for did not come about in time."""


def race(calls: Sequence[Callable[[], Result]]) -> list[Result]:
    """Run every call in a thread of its own, all let go at once with open connections; the results in order."""
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], Result]) -> Result:
        try:
            connection.ensure_connection()
            start.wait(LONGEST_SECONDS)
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        futures = [pool.submit(run, call) for call in calls]
        return [future.result(LONGEST_SECONDS) for future in futures]


@contextmanager
def open_transaction(work: Callable[[], object]) -> Iterator[Callable[[], None]]:
    """Do some work on another connection and keep its transaction open during the block, or until the yielded call.

    It is rolled back: what it wrote, nobody sees.
    """
    is_done, may_end = threading.Event(), threading.Event()

    def run() -> None:
        try:
            with transaction.atomic():
                work()
                is_done.set()
                may_end.wait(LONGEST_SECONDS)
                transaction.set_rollback(True)
        finally:
            is_done.set()

    with in_background(run) as future:
        is_done.wait(LONGEST_SECONDS)

        def end() -> None:
            may_end.set()
            future.result(LONGEST_SECONDS)

        try:
            yield end
        finally:
            may_end.set()


@contextmanager
def in_background(call: Callable[[], Result]) -> Iterator[Future[Result]]:
    """Run one call beside the block. Its error is raised at the end of the block at the latest."""

    def run() -> Result:
        try:
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(run)
        yield future
        future.result(LONGEST_SECONDS)


def wait_until(condition: Callable[[], bool], *, what: str, seconds: float = LONGEST_SECONDS) -> None:
    """Poll for a state of the database or of a process. Raises TooSlow."""
    deadline = monotonic() + seconds
    while not condition():
        if monotonic() > deadline:
            message = f"waited {seconds} s for this: {what}"
            raise TooSlow(message)
        sleep(0.005)


def wait_until_blocked(*, sessions: int = 1) -> None:
    """Wait until so many sessions of this database wait for a lock."""
    wait_until(lambda: count_blocked() >= sessions, what=f"{sessions} sessions that wait for a lock")


def count_blocked() -> int:
    return int(
        fetch_value(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
    )


def count_deadlocks() -> int:
    """Return how many deadlocks the server has broken in this database since it was made."""
    return int(fetch_value("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"))


def fetch_value(sql: str, parameters: Sequence[Any] = ()) -> Any:
    """Return the first column of the first row."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        row = cursor.fetchone()
    assert row is not None
    return row[0]

"""Threads and waiting for race tests: all start together, each has its own connection, errors are raised."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from django.db import connection, connections, transaction

from tests.support.waiting import LONGEST_SECONDS

Result = TypeVar("Result")


def race(calls: Sequence[Callable[[], Result]]) -> list[Result]:
    """Run every call in its own thread, all started at once with open connections. Returns the results in order."""
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

    It is rolled back, so no other transaction sees its writes.
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
def before_its_commit(work: Callable[[], object]) -> Iterator[Callable[[], None]]:
    """Do some work on another connection, and commit it with the yielded call."""
    is_done, may_commit = threading.Event(), threading.Event()

    def run() -> None:
        try:
            with transaction.atomic():
                work()
                is_done.set()
                may_commit.wait(LONGEST_SECONDS)
        finally:
            is_done.set()

    with in_background(run) as running:
        is_done.wait(LONGEST_SECONDS)

        def commit() -> None:
            may_commit.set()
            running.result(LONGEST_SECONDS)

        try:
            yield commit
        finally:
            may_commit.set()


@contextmanager
def in_background(call: Callable[[], Result]) -> Iterator[Future[Result]]:
    """Run one call beside the block. Its error is raised at the latest at the end of the block."""

    def run() -> Result:
        try:
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(run)
        yield future
        future.result(LONGEST_SECONDS)

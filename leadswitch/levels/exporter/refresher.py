"""The thread that reads one collector at intervals, and holds its latest values.

A pass has five seconds. PostgreSQL ends a slow statement itself (LEADSWITCH_ROLE=exporter). If PostgreSQL does not
answer at all, `end_late_pass` shuts the connection down, so that the thread can try again. A pass that still connects
has no connection: the driver ends it after EXPORTER_CONNECT_SECONDS for each address of the server.
"""

import logging
import os
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Final

import psycopg
from django.db import connections

from leadswitch.levels.exporter.series import CollectorRow, Values

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

logger = logging.getLogger(__name__)

PASS_SECONDS: Final = 5.0
MAX_FAILURES: Final = 3
MIN_PAUSE_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a scrape shows. `values` None: there are none yet, or they are stale. `age_seconds` None: never read."""

    is_success: bool
    values: Values | None
    duration_seconds: float | None
    age_seconds: float | None


class Refresher(threading.Thread):
    """Runs one pass at a time. Values are stale after three failures in a row, or after three periods and a pass."""

    def __init__(self, row: CollectorRow, *, period_seconds: float, alias: str = "default") -> None:
        super().__init__(name=f"exporter-{row.name}", daemon=True)
        self.row = row
        self._period_seconds = period_seconds
        self._alias = alias
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._finished_once = threading.Event()
        self._wrapper: BaseDatabaseWrapper | None = None
        self._began_at: float | None = None
        self._read_at: float | None = None
        self._values: Values | None = None
        self._duration_seconds: float | None = None
        self._failures = 0

    def run(self) -> None:
        self._wrapper = connections[self._alias]
        try:
            while not self._stopping.is_set():
                started = monotonic()
                self._refresh(started)
                self._finished_once.set()
                spent = monotonic() - started
                self._stopping.wait(max(MIN_PAUSE_SECONDS, self._period_seconds - spent))
        finally:
            connections.close_all()

    def stop(self) -> None:
        """Ask the thread to end, and end a pass that runs."""
        self._stopping.set()
        self._shut_connection()

    def wait_for_first_pass(self, timeout_seconds: float) -> None:
        self._finished_once.wait(timeout_seconds)

    def end_late_pass(self) -> None:
        """Shut the connection of a pass that has run for longer than PASS_SECONDS. Call it a few times a second."""
        with self._lock:
            is_late = self._is_late(monotonic())
        if is_late:
            self._shut_connection()

    def show(self) -> Refreshed:
        """Waits for nothing but another thread's few assignments."""
        now = monotonic()
        with self._lock:
            age = None if self._read_at is None else now - self._read_at
            is_success = self._values is not None and not self._failures and not self._is_late(now)
            is_stale = self._failures >= MAX_FAILURES or age is None or age > self._longest_age
            values = None if is_stale else self._values
            return Refreshed(is_success, values, self._duration_seconds, age)

    @property
    def _longest_age(self) -> float:
        return MAX_FAILURES * self._period_seconds + PASS_SECONDS

    def _is_late(self, now: float) -> bool:
        return self._began_at is not None and now - self._began_at > PASS_SECONDS

    def _refresh(self, started: float) -> None:
        with self._lock:
            self._began_at = started
        try:
            values = self.row.read()
        except Exception as error:  # noqa: BLE001 - the thread must survive every failure of a pass
            self._end_failed(started, error)
        else:
            self._end_read(started, values)

    def _end_read(self, started: float, values: Values) -> None:
        with self._lock:
            recovered = self._failures > 0
            self._values, self._read_at, self._failures = values, started, 0
            self._began_at, self._duration_seconds = None, monotonic() - started
        if recovered:
            logger.info("exporter.collector_recovered", extra={"collector": self.row.name})

    def _end_failed(self, started: float, error: Exception) -> None:
        with self._lock:
            is_first = self._failures == 0
            self._failures += 1
            self._began_at, self._duration_seconds = None, monotonic() - started
        if is_first and not self._stopping.is_set():
            extra = {"collector": self.row.name, "cause": type(error).__name__}
            logger.warning("exporter.collector_failed", extra=extra)
        with suppress(Exception):
            connections[self._alias].close()

    def _shut_connection(self) -> None:
        """Shut the socket down, which wakes the thread that waits for an answer. The thread closes the connection."""
        raw = None if self._wrapper is None else self._wrapper.connection
        if raw is None:
            return
        # The thread may close the connection in the same moment.
        with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(raw.fileno())) as handle:
            handle.shutdown(socket.SHUT_RDWR)

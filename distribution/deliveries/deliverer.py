"""The loop of `manage.py deliverer`: claim due deliveries, send them in a pool of threads, write the results.

    claimer (this thread)      claims as many as there are free threads, reads what they send
    pool (threads)             one for each request; no database
    recorder (a thread)        writes the results in batches, and runs the next attempt of a rejected direct post
    listener (a thread)        wakes the claimer when a sale commits; polling is the fallback

A process may be killed at every step. What it claimed is leased, and another one tries it again (leases.py).
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import Error, close_old_connections, connections
from django.utils import timezone

from distribution.deliveries.claim import LEASE_MARGIN_SECONDS, claim_csv, claim_due, read_seconds_until_due
from distribution.deliveries.client import get_client
from distribution.deliveries.content import Work, read_work
from distribution.deliveries.leases import end_expired
from distribution.deliveries.liveness import forget_deliverer, write_deliverer_heartbeat
from distribution.deliveries.results import record_results
from distribution.deliveries.tried import Tried
from distribution.deliveries.trying import try_together
from distribution.models import Method
from routing.dispatch.heartbeat import send_heartbeat

logger = logging.getLogger(__name__)

NAME: Final = "deliverer"
HEARTBEAT_SECONDS: Final = 5.0
# Expired leases are looked for this often, and by a reconciler if no deliverer is alive.
LEASES_SECONDS: Final = 5.0
LEASES_AT_ONCE: Final = 500
RESULTS_AT_ONCE: Final = 100
PAUSE_AFTER_FAILURE_SECONDS: Final = 0.5
# A stopping process waits this long for requests that run. Their leases end by themselves after that.
STOP_SECONDS: Final = 10.0
# A due delivery that another transaction has locked does not make a busy loop.
SHORTEST_WAIT_SECONDS: Final = 0.01
Distribute = Callable[[int], object]


class Recorder(threading.Thread):
    """Writes results until it is stopped and its queue is empty. A result outlives a failure of PostgreSQL."""

    def __init__(self, *, on_recorded: Callable[[int], None], distribute: Distribute) -> None:
        super().__init__(name="recorder", daemon=True)
        self._on_recorded, self._distribute = on_recorded, distribute
        self._queue: queue.SimpleQueue[Sequence[Tried] | None] = queue.SimpleQueue()

    def add(self, tries: Sequence[Tried]) -> None:
        """What one thread of the pool did: one try, or the rows of a daily CSV."""
        self._queue.put(tries)

    def finish(self, *, seconds: float) -> None:
        self._queue.put(None)
        self.join(seconds)

    def run(self) -> None:
        is_open = True
        while is_open:
            done, is_open = self._take()
            if done:
                self._record([tried for tries in done for tried in tries])
                self._on_recorded(len(done))
        connections.close_all()

    def _take(self) -> tuple[list[Sequence[Tried]], bool]:
        """Wait for a result, and take those that came with it. False: it was stopped."""
        done: list[Sequence[Tried]] = []
        first = self._queue.get()
        while first is not None:
            done.append(first)
            if len(done) == RESULTS_AT_ONCE or self._queue.empty():
                return done, True
            first = self._queue.get()
        return done, False

    def _record(self, tries: Sequence[Tried]) -> None:
        """Until the leases end: another try is made then."""
        until = time.monotonic() + LEASE_MARGIN_SECONDS
        while time.monotonic() < until:
            try:
                recorded = record_results(tries, at=timezone.now())
            except Error as error:
                logger.warning("deliveries.not_recorded", extra={"cause": type(error).__name__})
                close_old_connections()
                time.sleep(PAUSE_AFTER_FAILURE_SECONDS)
                continue
            for lead_id in recorded.due_lead_ids:
                self._run_next(lead_id)
            return

    def _run_next(self, lead_id: int) -> None:
        """The next buyer is asked at once. If this fails, the lead is due, and the dispatcher finds it."""
        try:
            self._distribute(lead_id)
        except Exception as error:  # noqa: BLE001 - the one place that contains it
            logger.warning("deliveries.next_not_run", extra={"cause": type(error).__name__})
            close_old_connections()


class RequestPool:
    """Daemon threads: a process that is told to stop does not wait a minute for the slowest buyer."""

    def __init__(self, threads: int, *, work: Callable[[Sequence[Work]], None]) -> None:
        self._queue: queue.SimpleQueue[Sequence[Work]] = queue.SimpleQueue()
        self._work = work
        for number in range(threads):
            threading.Thread(target=self._run, name=f"request-{number}", daemon=True).start()

    def submit(self, works: Sequence[Work]) -> None:
        self._queue.put(works)

    def _run(self) -> None:
        while True:
            self._work(self._queue.get())


class Interval:
    """Is due at once, and again `seconds` after each time that it was."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._next = seconds, 0.0

    def is_due(self) -> bool:
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + self._seconds
        return True


class Deliverer:
    """One process. Several may run: PostgreSQL gives each delivery to one of them."""

    def __init__(
        self, name: str, *, stop: threading.Event, wake: threading.Event, distribute: Distribute
    ) -> None:
        self._name, self._stop, self._wake = name, stop, wake
        self._threads: int = settings.LEADSWITCH_DELIVERER_THREADS
        self._poll_seconds: float = settings.LEADSWITCH_DELIVERER_POLL_MS / 1000
        self._client = get_client()
        self._running, self._lock = 0, threading.Lock()
        self._pool = RequestPool(self._threads, work=self._try)
        self._recorder = Recorder(on_recorded=self._free, distribute=distribute)
        self._heartbeat, self._leases = Interval(HEARTBEAT_SECONDS), Interval(LEASES_SECONDS)

    def run(self) -> None:
        """Run until `stop` is set. Survives failures of PostgreSQL."""
        self._recorder.start()
        while not self._stop.is_set():
            send_heartbeat(settings.VAR_DIR, NAME)
            self._wake.clear()
            try:
                wait_seconds = self._turn()
            except Error as error:
                logger.warning("deliveries.database_failed", extra={"cause": type(error).__name__})
                close_old_connections()
                wait_seconds = PAUSE_AFTER_FAILURE_SECONDS
            if wait_seconds > 0:
                self._wake.wait(wait_seconds)
        self._finish()

    def _turn(self) -> float:
        """Returns how long to wait for a wake-up."""
        close_old_connections()
        if self._heartbeat.is_due():
            write_deliverer_heartbeat(self._name, at=timezone.now())
        if self._leases.is_due():
            end_expired(at=timezone.now() - timedelta(seconds=1), limit=LEASES_AT_ONCE)
        free = self._count_free()
        if free <= 0:
            return self._poll_seconds
        claims = [*claim_due(limit=free), *(claim_csv() if free > 1 else ())]
        self._start(read_work(claims, at=timezone.now()))
        if len(claims) >= free:
            return 0.0
        due_seconds = read_seconds_until_due()
        return (
            self._poll_seconds
            if due_seconds is None
            else min(self._poll_seconds, max(due_seconds, SHORTEST_WAIT_SECONDS))
        )

    def _start(self, works: Sequence[Work]) -> None:
        for task in group(works):
            with self._lock:
                self._running += 1
            self._pool.submit(task)

    def _try(self, works: Sequence[Work]) -> None:
        self._recorder.add(try_together(works, client=self._client, clock=timezone.now))

    def _count_free(self) -> int:
        with self._lock:
            return self._threads - self._running

    def _free(self, count: int) -> None:
        with self._lock:
            self._running -= count
        self._wake.set()

    def _finish(self) -> None:
        """No new claims; requests that run may end."""
        until = time.monotonic() + STOP_SECONDS
        while self._count_free() < self._threads and time.monotonic() < until:
            self._wake.clear()
            self._wake.wait(0.1)
        self._recorder.finish(seconds=STOP_SECONDS)
        self._client.close()
        try:
            forget_deliverer(self._name)
        except Error as error:
            logger.warning("deliveries.not_forgotten", extra={"cause": type(error).__name__})


def group(works: Sequence[Work]) -> list[list[Work]]:
    """One task for each message: the rows of a daily CSV go together."""
    tasks: list[list[Work]] = []
    by_csv: dict[int, list[Work]] = {}
    for work in works:
        if work.endpoint.method != Method.CSV:
            tasks.append([work])
        else:
            by_csv.setdefault(work.endpoint.pk, []).append(work)
    return [*tasks, *by_csv.values()]

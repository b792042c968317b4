"""The loop of `manage.py deliverer`: claim due deliveries, send them in a pool of threads, write the results.

    claimer (this thread)      claims as many as there are free threads, or will be in a moment; reads what they send
    pool (threads)             one for each request; no database
    recorder (a thread)        writes the results in batches
    next attempts (a thread)   runs the next attempt of a rejected direct post
    listener (a thread)        wakes the claimer when a sale commits; polling is the fallback
    bidder (threads)           asks buyers for bids in auctions (bidding/)

A process may be killed at every step. What it claimed is leased, and another one tries it again (leases.py).
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from django.conf import settings
from django.db import DataError, Error, IntegrityError, close_old_connections
from django.utils import timezone

from distribution.deliveries.bidding.bidder import Bidder
from distribution.deliveries.claim import CSV_ROWS, Claimed, claim_csv, claim_due, read_seconds_until_due
from distribution.deliveries.client import get_client
from distribution.deliveries.content import Work, read_work
from distribution.deliveries.destinations import Destinations
from distribution.deliveries.ends import NO_THREAD
from distribution.deliveries.intervals import Interval
from distribution.deliveries.leases import end_expired
from distribution.deliveries.liveness import forget_deliverer, write_deliverer_heartbeat
from distribution.deliveries.load import Load
from distribution.deliveries.recorder import (
    PAUSE_AFTER_FAILURE_SECONDS,
    Distribute,
    NextAttempts,
    Recorder,
)
from distribution.deliveries.request_pool import RequestPool, Task
from distribution.deliveries.setting_aside import set_aside_unclaimable
from distribution.deliveries.tried import Tried
from distribution.deliveries.trying import not_sent, try_together
from routing.dispatch.heartbeat import send_heartbeat
from routing.queries import read_clock

logger = logging.getLogger(__name__)

NAME: Final = "deliverer"
HEARTBEAT_SECONDS: Final = 5.0
# Expired leases are looked for this often, and by a reconciler if no deliverer is alive.
LEASES_SECONDS: Final = 5.0
# All rows of a CSV: they are tried again together.
LEASES_AT_ONCE: Final = CSV_ROWS
# Subscribers whose systems hang use at most one in this many threads, so that leads never wait for them.
EVENTS_SHARE: Final = 2
# A stopping process waits this long for requests that run. Their leases end by themselves after that.
STOP_SECONDS: Final = 10.0
NEXT_ATTEMPTS_SECONDS: Final = 2.0
# How often what must be looked after is looked after, however busy the loop is.
CARE_SECONDS: Final = 0.5
# Daily CSVs are claimed this often.
CSV_SECONDS: Final = 1.0
# With more due than free threads, a claim waits this long at most until a quarter of the threads is free: it costs the
# same for one message as for many.
LONGEST_GATHERING_SECONDS: Final = 0.005
GATHERED_SHARE: Final = 0.25
# A due delivery that another transaction has locked does not make a busy loop.
SHORTEST_WAIT_SECONDS: Final = 0.01


class ThreadDied(Exception):
    """The process would go on without a part of it. The message names the thread."""


class Deliverer:
    """One process. Several may run: PostgreSQL gives each delivery to one of them.

    `others`: threads that run beside it, such as one that sets `wake`; without that one the deliverer polls. `offers`
    is set when an offer has changed.
    """

    def __init__(
        self,
        name: str,
        *,
        stop: threading.Event,
        wake: threading.Event,
        distribute: Distribute,
        others: Sequence[threading.Thread] = (),
        offers: threading.Event | None = None,
    ) -> None:
        self._name, self._stop, self._wake = name, stop, wake
        self._threads: int = settings.LEADSWITCH_DELIVERER_THREADS
        self._most_events = max(1, self._threads // EVENTS_SHARE)
        self._poll_seconds: float = settings.LEADSWITCH_DELIVERER_POLL_MS / 1000
        self._client = get_client()
        self._load = Load(self._threads)
        self._pool = RequestPool(self._threads, work=self._try)
        self._next_attempts = NextAttempts(distribute)
        self._recorder = Recorder(on_recorded=self._note_recorded, on_due=self._next_attempts.add)
        self._bidder = Bidder(
            threads=settings.LEADSWITCH_BIDDING_THREADS,
            client=self._client,
            distribute=distribute,
            stop=stop,
            wake=offers or threading.Event(),
        )
        own = (self._recorder, self._next_attempts, *self._pool.threads, *self._bidder.threads)
        self._parts = [*own, *others]
        self._care, self._csv = Interval(CARE_SECONDS), Interval(CSV_SECONDS)
        self._heartbeat, self._leases = Interval(HEARTBEAT_SECONDS), Interval(LEASES_SECONDS)
        self._destinations = Destinations()
        self._is_behind, self._claimed_at = False, 0.0

    def run(self) -> None:
        """Run until `stop` is set. Survives failures of PostgreSQL. Raises ThreadDied."""
        for thread in self._parts:
            thread.start()
        try:
            while not self._stop.is_set():
                self._wake.clear()
                wait_seconds = self._turn_or_pause()
                if wait_seconds > 0:
                    self._wake.wait(wait_seconds)
        finally:
            self._finish()

    def _check_threads(self) -> None:
        """Without its recorder or a thread of its pool, a deliverer would claim and end nothing, and look alive."""
        dead = next((thread for thread in self._parts if not thread.is_alive()), None)
        if dead is None or self._stop.is_set():
            return
        logger.critical("deliveries.thread_died", extra={"part": dead.name})
        raise ThreadDied(
            f"The thread {dead.name} ended. Start the deliverer again; the log says what happened."
        )

    def _turn_or_pause(self) -> float:
        try:
            return self._turn()
        except Error as error:
            logger.warning("deliveries.database_failed", extra={"cause": type(error).__name__})
            close_old_connections()
            return PAUSE_AFTER_FAILURE_SECONDS

    def _turn(self) -> float:
        """Returns how long to wait for a wake-up."""
        if self._care.is_due():
            self._look_after()
        free = self._load.count_free()
        if free <= 0:
            return self._poll_seconds
        wait_seconds = self._count_gathering_seconds(free)
        if wait_seconds > 0:
            return wait_seconds
        self._claimed_at = time.monotonic()
        ended = self._load.take_ended()
        limit = free + ended if self._is_behind else free
        claim = partial(claim_due, limit=limit, most_events=self._most_events)
        self._is_behind = self._claim_and_start(claim) >= limit
        # After the others: a direct post does not wait until the rows of a CSV are read.
        if free > 1 and self._csv.is_due():
            self._claim_and_start(claim_csv)
        if self._is_behind:
            return 0.0
        due_seconds = read_seconds_until_due(most_events=self._most_events)
        return (
            self._poll_seconds
            if due_seconds is None
            else min(self._poll_seconds, max(due_seconds, SHORTEST_WAIT_SECONDS))
        )

    def _look_after(self) -> None:
        self._check_threads()
        send_heartbeat(settings.VAR_DIR, NAME)
        close_old_connections()
        if self._heartbeat.is_due():
            write_deliverer_heartbeat(self._name, at=read_clock())
        if self._leases.is_due():  # by the clock that wrote them: this host's may be ahead of it
            end_expired(at=read_clock() - timedelta(seconds=1), limit=LEASES_AT_ONCE)

    def _count_gathering_seconds(self, free: int) -> float:
        """Above 0: more threads are about to be free, and the messages can wait for them."""
        if not self._is_behind or free >= self._threads * GATHERED_SHARE:
            return 0.0
        return self._claimed_at + LONGEST_GATHERING_SECONDS - time.monotonic()

    def _claim_and_start(self, claim: Callable[[], Sequence[Claimed]]) -> int:
        """Returns how many deliveries were claimed."""
        claimed_at = time.monotonic()
        try:
            claims = claim()
        except (IntegrityError, DataError):
            if not set_aside_unclaimable():
                raise
            return 0
        for message in group(read_work(claims, at=timezone.now(), destinations=self._destinations)):
            self._load.begin()
            self._pool.submit(Task(message, claimed_at))
        return len(claims)

    def _try(self, task: Task) -> None:
        tries = self._try_now(task)
        free = self._load.end()
        self._recorder.add(tries)
        if self._is_behind and free >= self._threads * GATHERED_SHARE:
            self._wake.set()

    def _try_now(self, task: Task) -> Sequence[Tried]:
        if task.is_late:
            started = time.monotonic()
            return [not_sent(work, error=NO_THREAD, started=started) for work in task.works]
        return try_together(task.works, client=self._client, clock=timezone.now)

    def _note_recorded(self, count: int) -> None:
        self._load.note_recorded(count)
        self._wake.set()

    def _finish(self) -> None:
        """No new claims; requests that run may end while their results can be written."""
        until = time.monotonic() + STOP_SECONDS
        while self._recorder.is_alive() and not self._load.is_idle and time.monotonic() < until:
            self._wake.clear()
            self._wake.wait(0.1)
        self._recorder.finish(seconds=STOP_SECONDS)
        self._next_attempts.finish(seconds=NEXT_ATTEMPTS_SECONDS)
        self._bidder.finish(seconds=NEXT_ATTEMPTS_SECONDS)
        self._client.close()
        try:
            forget_deliverer(self._name)
        except Error as error:
            logger.warning("deliveries.not_forgotten", extra={"cause": type(error).__name__})


def group(works: Sequence[Work]) -> list[list[Work]]:
    """One task for each message: the rows of a daily CSV go together, and those that failed together stay so."""
    messages: list[list[Work]] = []
    csvs: dict[tuple[int, datetime], list[Work]] = {}
    for work in works:
        first_tried_at = work.claimed.csv_first_tried_at
        if first_tried_at is None:
            messages.append([work])
        else:
            csvs.setdefault((work.endpoint.pk, first_tried_at), []).append(work)
    return [*messages, *csvs.values()]

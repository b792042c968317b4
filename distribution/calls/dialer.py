"""The loop of `manage.py dialer`: find verifications that can be called, and call them in a pool of threads.

    picker (this thread)   finds who can be called now; sleeps until a notification, a due time or a slot of the pace
    pool (threads)         begins a call, places it, records the answer: one request each
    appliers (threads)     apply what carriers report, each another call
    checkers (threads)     ask carriers about calls whose reports are missing, and end calls
    finishers (threads)    end second calls, and ask carriers for costs
    listener (a thread)    wakes them when a commit changes something

Several may run: PostgreSQL's locks decide about each call. A process may be killed at every step (dialing.py).
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from django.conf import settings
from django.db import Error, close_old_connections

from distribution import metrics
from distribution.calls.applying import InboxPass
from distribution.calls.carriers import GetCarrier, get_carrier
from distribution.calls.checking import check_due
from distribution.calls.dial_pool import DialPool
from distribution.calls.finishing import finish_due
from distribution.calls.liveness import forget_dialer, write_dialer_heartbeat
from distribution.calls.picking import Capacity, Picked, pick, read_capacity
from distribution.calls.reach import Reach
from distribution.calls.repeating import PAUSE_AFTER_FAILURE_SECONDS, Repeater
from distribution.calls.turns import Turns
from distribution.deliveries.intervals import Interval
from distribution.models import CALL_REPORTS_CHANNEL, CALLS_CHANNEL
from routing.dispatch.heartbeat import send_heartbeat
from routing.queries import read_clock

logger = logging.getLogger(__name__)

NAME: Final = "dialer"
HEARTBEAT_SECONDS: Final = 5.0
CARE_SECONDS: Final = 0.5
# How often it looks without being woken, in case that a notification was missed.
PASS_SECONDS: Final = 30.0
# What the full pass finds could have been called for this long: it was not just committed.
MISSED_AFTER_SECONDS: Final = 2.0
SHORTEST_TURN_SECONDS: Final = 0.01
# A stopping process waits this long for requests that run.
STOP_SECONDS: Final = 10.0
# Reports and checks of one turn.
STEPS_AT_ONCE: Final = 100
CHECK_SECONDS: Final = 1.0
# The first is woken by a report. It wakes the next one while another call has reports too.
APPLIERS: Final = 3
# Half of them are the most that ask one account: it may answer slowly, and others must be asked. Only the
# first looks while nothing is due.
CHECKERS: Final = 4
FINISHERS: Final = 2
# Until reports are looked at again that another process is applying.
BUSY_SECONDS: Final = 0.1


class ThreadDied(Exception):
    """The process would go on without a part of it. The message names the thread."""


class Wakes(threading.Event):
    """One event for a listener that wakes several threads."""

    def __init__(self, *others: threading.Event) -> None:
        super().__init__()
        self._others = others

    def set(self) -> None:
        for each in self._others:
            each.set()


def take(wake: threading.Event) -> bool:
    """Whether it is set. Only what was seen is cleared: it may be set at any moment, also after a wait timed out."""
    if not wake.is_set():
        return False
    wake.clear()
    return True


class Dialer:
    """One process. `is_woken`: a listener sets the events of `listens`, by channel; without one it polls."""

    def __init__(
        self, name: str, *, stop: threading.Event, is_woken: bool, carrier_of: GetCarrier = get_carrier
    ) -> None:
        self._name, self._stop, self._carrier_of = name, stop, carrier_of
        self._wake = threading.Event()
        self._reports, self._checks, self._finishes = (
            [threading.Event() for _ in range(number)] for number in (APPLIERS, CHECKERS, FINISHERS)
        )
        self.wakes = Wakes(self._wake, self._checks[0])
        self.listens: Mapping[str, threading.Event] = {
            CALLS_CHANNEL: self.wakes,
            CALL_REPORTS_CHANNEL: self._reports[0],
        }
        self._poll_seconds = math.inf if is_woken else settings.LEADSWITCH_DIALER_POLL_MS / 1000
        self._pool = DialPool(
            settings.LEADSWITCH_DIALER_THREADS, on_done=self._wake.set, carrier_of=carrier_of
        )
        self._reach = Reach()
        self._parts: list[threading.Thread] = [
            *self._pool.threads,
            *(self._make_applier(number, is_woken=is_woken) for number in range(APPLIERS)),
            *self._make_askers("checker", check_due, wakes=self._checks),
            *self._make_askers("finisher", finish_due, wakes=self._finishes),
        ]
        self._heartbeat = Interval(HEARTBEAT_SECONDS)
        self._full_pass = FullPass()
        self._rereading = Interval(PASS_SECONDS / 2)
        self._look_at = 0.0

    def add(self, thread: threading.Thread) -> None:
        """A thread that runs beside it, such as the listener."""
        self._parts.append(thread)

    def run(self) -> None:
        """Run until `stop` is set. Survives failures of PostgreSQL. Raises ThreadDied."""
        if not settings.LEADSWITCH_BASE_URL:
            logger.warning("calls.no_address")
        for thread in self._parts:
            thread.start()
        is_woken = True
        try:
            while not self._stop.is_set():
                wait_seconds = self._turn_or_pause(is_woken=is_woken)
                self._wake.wait(wait_seconds)
                is_woken = take(self._wake)
        finally:
            self._finish()

    def _turn_or_pause(self, *, is_woken: bool) -> float:
        """Returns how long to sleep, unless it is woken."""
        try:
            self._look_after()
            return self._turn(is_woken=is_woken)
        except Error as error:
            metrics.DIALER_FAILURES.inc()
            logger.warning("calls.database_failed", extra={"cause": type(error).__name__})
            close_old_connections()
            self._look_at = 0.0
            return PAUSE_AFTER_FAILURE_SECONDS

    def _turn(self, *, is_woken: bool) -> float:
        now = time.monotonic()
        if is_woken or now >= self._look_at:
            self._look()
            # Many notifications in a row are one turn: each costs a statement or two.
            self._stop.wait(SHORTEST_TURN_SECONDS)
        elif self._full_pass.is_due():
            self._start(self._full_pass.look(self._find()[1]))
        elif self._rereading.is_due():
            self._reread()
        return min(CARE_SECONDS, max(0.0, self._look_at - time.monotonic()))

    def _look(self) -> None:
        capacity, picked = self._find()
        self._full_pass.forget()
        self._start(picked)
        waits = (capacity.seconds, self._pool.seconds_until_tried_again() if capacity.calls else None)
        seconds = min((each for each in waits if each is not None), default=self._poll_seconds)
        self._look_at = time.monotonic() + min(seconds, self._poll_seconds)

    def _reread(self) -> None:
        """A due time that another dialer moved on comes without a notification, and that dialer may have ended."""
        seconds = read_capacity().seconds
        if seconds is not None:
            self._look_at = min(self._look_at, time.monotonic() + seconds)

    def _find(self) -> tuple[Capacity, Sequence[Picked]]:
        if not settings.LEADSWITCH_BASE_URL:
            return Capacity({}, None), []
        capacity = read_capacity(self._pool.count_left_of)
        beginning = self._pool.count_beginning()
        calls = {key: count - beginning.get(key, 0) for key, count in capacity.calls.items()}
        calls = {key: count for key, count in calls.items() if count > 0}
        return capacity, pick(calls, limit=self._pool.count_free(), but=self._pool.list_taken())

    def _start(self, picked: Sequence[Picked]) -> None:
        for each in picked:
            self._pool.submit(each)

    def _make_applier(self, number: int, *, is_woken: bool) -> Repeater:
        is_polling = number == 0 and not is_woken
        return Repeater(
            f"applier-{number}",
            step=partial(self._apply, on_more=self._reports[(number + 1) % APPLIERS].set),
            stop=self._stop,
            wake=self._reports[number],
            seconds=self._poll_seconds if is_polling else PASS_SECONDS,
            rest_seconds=0.0,
        )

    def _apply(self, *, on_more: Callable[[], object]) -> int:
        """A report that is held up is tried again soon: its notification has been heard, and no other one follows."""
        applied = InboxPass(on_more).run(limit=STEPS_AT_ONCE)
        if applied.is_left and not applied.reports:
            self._stop.wait(BUSY_SECONDS)
        return int(applied.is_left)

    def _make_askers(
        self, name: str, ask: Callable[..., int], *, wakes: Sequence[threading.Event]
    ) -> list[Repeater]:
        """Threads that ask carriers. As many as ask wake the next one. Half of them are the most for one account."""
        turns = Turns(most=len(wakes) // 2, on_taken=lambda count: wakes[count % len(wakes)].set())
        return [
            Repeater(
                f"{name}-{number}",
                step=partial(self._ask, ask, number, turns),
                stop=self._stop,
                wake=wake,
                seconds=CHECK_SECONDS,
            )
            for number, wake in enumerate(wakes)
        ]

    def _ask(self, ask: Callable[..., int], number: int, turns: Turns) -> int:
        """Each but the first looks only while as many as there are before it ask."""
        if turns.count() < number:
            return 0
        return ask(limit=STEPS_AT_ONCE, get_carrier=self._carrier_of, reach=self._reach, turns=turns)

    def _look_after(self) -> None:
        self._check_threads()
        send_heartbeat(settings.VAR_DIR, NAME)
        if self._heartbeat.is_due():
            close_old_connections()
            write_dialer_heartbeat(
                self._name, at=read_clock(), has_address=bool(settings.LEADSWITCH_BASE_URL)
            )

    def _check_threads(self) -> None:
        """Without a checker or a thread of its pool, a dialer would keep lines for ever, and look alive."""
        dead = next((thread for thread in self._parts if not thread.is_alive()), None)
        if dead is None or self._stop.is_set():
            return
        logger.critical("calls.thread_died", extra={"part": dead.name})
        raise ThreadDied(f"The thread {dead.name} ended. Start the dialer again; the log says what happened.")

    def _finish(self) -> None:
        """No new calls. Requests that run may end; the checker of another dialer asks about those that do not."""
        self._stop.set()
        for wake in (self.wakes, *self._reports, *self._checks, *self._finishes):
            wake.set()
        self._pool.finish(seconds=STOP_SECONDS)
        try:
            forget_dialer(self._name)
        except Error as error:
            logger.warning("calls.not_forgotten", extra={"cause": type(error).__name__})


class FullPass:
    """Looks whether somebody waits although nothing woke the dialer. It should find nobody.

    It looks twice: who could be called both times, and was not, was missed. Any turn in between clears the suspicion.
    """

    def __init__(self) -> None:
        self._next_at = time.monotonic() + PASS_SECONDS
        self._suspects: frozenset[int] = frozenset()

    def is_due(self) -> bool:
        return time.monotonic() >= self._next_at

    def forget(self) -> None:
        self._suspects = frozenset()

    def look(self, found: Sequence[Picked]) -> Sequence[Picked]:
        """Returns whom to call now."""
        ids = frozenset(each.verification_id for each in found)
        missed = len(ids & self._suspects)
        if missed:
            metrics.MISSED_WAKES.inc(missed)
            logger.error("calls.missed_wake", extra={"number": missed})
        is_first = bool(ids) and not self._suspects
        self._suspects = ids if is_first else frozenset()
        self._next_at = time.monotonic() + (MISSED_AFTER_SECONDS if is_first else PASS_SECONDS)
        return () if is_first else found

"""What the leading dispatcher looks at beside the schedule, at its own intervals: PostgreSQL itself, and the canaries.

Redis may answer, renew the leadership and show an empty schedule while nothing can be written to it, or while nobody
takes what is published. So due leads that the schedule does not know are looked for in PostgreSQL, and while a canary
is late the leader runs due leads itself, in between.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from secrets import randbits
from threading import Event
from typing import Final

from django.conf import settings

from routing import metrics
from routing.dispatch import canary, schedule
from routing.dispatch.backlog import BacklogScan, Spread, requeue_leads, scan_running
from routing.dispatch.enqueue import publish
from routing.dispatch.pauses import mirror_paused
from routing.dispatch.schedule import Dispatched, Due
from routing.last_runs import LATE_AFTER_PERIODS, LastRun, read_runs
from routing.models import DispatchMode
from routing.owned_lock import owned_lock
from routing.queries import read_clock
from routing.reconcile import ReconcilerBusy, inflight

logger = logging.getLogger(__name__)

# A new leader puts back what was lost of the leads that are due by then; the reconciler has looked by that time.
CATCH_UP: Final = timedelta(minutes=2)
# A younger lead may be on its way from the process that made it due.
GRACE: Final = timedelta(seconds=1)
# How often the leader looks when the reconcilers last ran, and how many leases it ends then in place of theirs.
RUNS_SECONDS: Final = 10.0
LEASES_A_LOOK: Final = 100
INFLIGHT: Final = "inflight"
# The leader's lease is longer than this and a lead that waits for a lock.
LONGEST_HELP_SECONDS: Final = 0.5


class BrokerRefused(Exception):
    """The broker took no message. For the dispatcher that is a Redis that is away."""


class Interval:
    """Says that it is time until it was done, and again `seconds` after that."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next = 0.0

    def is_time(self) -> bool:
        return time.monotonic() >= self._next

    def is_done(self) -> None:
        self._next = time.monotonic() + self._seconds


class LeaderTasks:
    """Of one leadership. `is_canary_late`: the way of a lead is broken somewhere."""

    def __init__(self) -> None:
        self._look = Interval(settings.LEADSWITCH_WATCH["leader_check"])
        self._runs = Interval(RUNS_SECONDS)
        self._send = Interval(settings.LEADSWITCH_WATCH["canary"])
        self._scan: BacklogScan | None = None
        self.is_canary_late = False

    def look(self) -> None:
        """Raises redis.RedisError, BrokerRefused."""
        if self._send.is_time():
            self._send.is_done()
            publish_all(canary.send(), path="put")
        if self._look.is_time():
            self._look.is_done()
            self._judge_canary()
            log_returned(schedule.requeue_unpublished(), path="put")
            self._requeue_unconsumed()
            self._look_into_postgres()
        if self._runs.is_time():
            self._runs.is_done()
            end_expired_leases_without_beat(export_runs())

    def run_due_leads(self, run_next_due: Callable[[], bool], *, stop: Event) -> None:
        """While a canary is late, run due leads here: it may be that no worker takes what the queues hold."""
        deadline = time.monotonic() + LONGEST_HELP_SECONDS
        while self.is_canary_late and time.monotonic() < deadline and not stop.is_set() and run_next_due():
            metrics.LEADS_MOVED.labels(path="postgres").inc()

    def _judge_canary(self) -> None:
        is_late = export_canary().is_late
        if is_late != self.is_canary_late:
            logger.warning("dispatch.canary_late" if is_late else "dispatch.canary_back")
        self.is_canary_late = is_late

    def _requeue_unconsumed(self) -> None:
        count = schedule.requeue_unconsumed()
        if count:
            logger.warning("dispatch.unconsumed_requeued", extra={"leads": count})

    def _look_into_postgres(self) -> None:
        """A page at a time, through the workspaces that are not paused, and again."""
        now = read_clock()
        if self._scan is None or self._scan.is_finished:
            self._scan = scan_running(DispatchMode.EVENT)
        leads = self._scan.read_page(until=now - GRACE)
        requeue_lost(leads, spread=Spread(randbits(32)), at=now, path="scan")


def export_canary() -> canary.Canary:
    read = canary.read_canary()
    if read.age_seconds is not None:
        metrics.CANARY_AGE_SECONDS.labels(path="redis").set(read.age_seconds)
    metrics.CANARY_OUT_SECONDS.labels(path="redis").set(read.out_seconds or 0.0)
    return read


def export_runs() -> Sequence[LastRun]:
    runs = read_runs()
    for each in runs:
        if each.age_seconds is not None:
            metrics.RECONCILER_AGE_SECONDS.labels(reconciler=each.name).set(each.age_seconds)
    return runs


def end_expired_leases_without_beat(runs: Sequence[LastRun]) -> int:
    """End leases that are over while the reconciler does not run: beat is away, and their leads would wait for it.

    It is the reconciler's own step, under its lock: each lost worker is counted once. It is not kept as a run, so that
    the reconciler stays late for who watches. Returns how many leads came back. Raises redis.RedisError.
    """
    run = next((each for each in runs if each.name == INFLIGHT), None)
    if run is None or (
        run.age_seconds is not None and run.age_seconds <= LATE_AFTER_PERIODS * run.period_seconds
    ):
        return 0
    try:
        with owned_lock(INFLIGHT):
            counts = inflight.run(fix=True, limit=LEASES_A_LOOK)
    except ReconcilerBusy:
        return 0
    if counts.repaired:
        logger.warning("dispatch.leases_ended_without_beat", extra={"leads": counts.repaired})
    return counts.repaired


def publish_all(dispatched: Sequence[Dispatched], *, path: str) -> None:
    """Publish leads in flight. Raises BrokerRefused when one could not be: it is in the schedule again."""
    if publish(dispatched, path=path) < len(dispatched):
        raise BrokerRefused


def log_returned(count: int, *, path: str) -> None:
    """Leads that were handed out and published by nobody are in the schedule again."""
    if count:
        metrics.LEADS_RETURNED.labels(path=path).inc(count)
        logger.warning("dispatch.unpublished_returned", extra={"leads": count, "path": path})


def requeue_lost(leads: Sequence[Due], *, spread: Spread, at: datetime, path: str) -> None:
    """Put back those that the schedule does not know. Raises BrokerRefused."""
    lost_ids = schedule.find_lost(leads)
    lost = [lead for lead in leads if lead.lead_id in lost_ids]
    if lost and not requeue_leads(lost, spread=spread, at=at, path=path):
        raise BrokerRefused


def catch_up() -> Iterator[None]:
    """Put lost leads back that are due soon, a page for each step. Raises redis.RedisError, BrokerRefused.

    Leads of paused workspaces, which nobody takes, are left to the reconciler and to whoever resumes one; that they are
    paused is told to Redis first.
    """
    mirror_paused()
    spread = Spread(randbits(32))
    until = read_clock() + CATCH_UP
    scan = scan_running(DispatchMode.EVENT)
    while not scan.is_finished:
        requeue_lost(scan.read_page(until=until), spread=spread, at=read_clock(), path="put")
        yield

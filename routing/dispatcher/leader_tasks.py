"""The periodic tasks of the leading dispatcher: scan PostgreSQL, send canaries, release expired leases without beat.

Redis may answer, renew the leadership and show an empty schedule while it refuses writes, or while no worker consumes
what is published. So the leader scans PostgreSQL for due leads that the schedule does not have. While a canary is late,
it runs due leads itself.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from secrets import randbits
from threading import Event
from typing import Final

from django.conf import settings

from routing.dispatch import canary, schedule
from routing.dispatch.backlog import BacklogScan, requeue_leads, scan_running
from routing.dispatch.enqueue import publish
from routing.dispatch.pauses import mirror_paused
from routing.dispatch.schedule import Dispatched, Due
from routing.dispatch.spread import Spread
from routing.last_runs import LATE_AFTER_PERIODS, LastRun, read_runs
from routing.locks.owned_lock import owned_lock
from routing.metrics.dispatch import LEADS_MOVED, LEADS_RETURNED
from routing.metrics.leader import CANARY_AGE_SECONDS, CANARY_OUT_SECONDS
from routing.metrics.reconcilers import RECONCILER_AGE_SECONDS
from routing.models import DispatchMode
from routing.queries import read_clock
from routing.reconcile import ReconcilerBusy, inflight

logger = logging.getLogger(__name__)

# A new leader requeues lost leads that are due within this time, or before the reconciler schedule has run twice. That
# one checks the later ones before they are due.
MIN_CATCH_UP: Final = timedelta(minutes=2)
# A younger lead may still be on its way from the process that made it due. No setting: LEADSWITCH_LEADER_CHECK_SECONDS
# decides how long a lost lead waits.
GRACE: Final = timedelta(seconds=1)
# How often the leader checks when the reconcilers last ran, and how many leases it then releases in their place. No
# settings: this works only while beat does not, and the number bounds the turn in which the lease must be renewed.
RUNS_SECONDS: Final = 10.0
LEASES_PER_CHECK: Final = 100
INFLIGHT: Final = "inflight"
# No setting: the shortest lease of a leader (2 s) is longer than this and a lead that waits for a lock.
LONGEST_HELP_SECONDS: Final = 0.5


class BrokerRefused(Exception):
    """The broker accepted no message. The dispatcher treats this as an outage of Redis."""


class Interval:
    """Due until it is restarted, and again `seconds` after that."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next = 0.0

    def is_due(self) -> bool:
        return time.monotonic() >= self._next

    def restart(self) -> None:
        self._next = time.monotonic() + self._seconds


class LeaderTasks:
    """The tasks of one leadership. `is_canary_late`: some part on the way to a worker does not work."""

    def __init__(self) -> None:
        self._check = Interval(settings.LEADSWITCH_WATCH["leader_check"])
        self._runs = Interval(RUNS_SECONDS)
        self._send = Interval(settings.LEADSWITCH_WATCH["canary"])
        self._scan: BacklogScan | None = None
        self.is_canary_late = False

    def run_due(self) -> None:
        """Raises redis.RedisError, BrokerRefused."""
        if self._send.is_due():
            self._send.restart()
            publish_all(canary.send(), path="put")
        if self._check.is_due():
            self._check.restart()
            self._check_canary()
            log_returned(schedule.requeue_unpublished(), path="put")
            log_returned(schedule.requeue_unstarted(), path="queue")
            self._requeue_unconsumed()
            self._scan_postgres()
        if self._runs.is_due():
            self._runs.restart()
            end_expired_leases_without_beat(export_runs())

    def run_due_leads(self, run_next_due: Callable[[], bool], *, stop: Event) -> None:
        """While a canary is late, run due leads here: perhaps no worker consumes the queues."""
        deadline = time.monotonic() + LONGEST_HELP_SECONDS
        while self.is_canary_late and time.monotonic() < deadline and not stop.is_set() and run_next_due():
            LEADS_MOVED.labels(path="postgres").inc()

    def _check_canary(self) -> None:
        is_late = export_canary().is_late
        if is_late != self.is_canary_late:
            logger.warning("dispatch.canary_late" if is_late else "dispatch.canary_back")
        self.is_canary_late = is_late

    def _requeue_unconsumed(self) -> None:
        count = schedule.requeue_unconsumed()
        if count:
            logger.warning("dispatch.unconsumed_requeued", extra={"leads": count})

    def _scan_postgres(self) -> None:
        """Read one page of the workspaces that are not paused; after the last page, start again."""
        now = read_clock()
        if self._scan is None or self._scan.is_finished:
            self._scan = scan_running(DispatchMode.EVENT)
        leads = self._scan.read_page(until=now - GRACE)
        requeue_lost(leads, spread=Spread(randbits(32)), at=now, path="scan")


def export_canary() -> canary.CanaryState:
    read = canary.read_canary()
    if read.age_seconds is not None:
        CANARY_AGE_SECONDS.labels(path="redis").set(read.age_seconds)
    CANARY_OUT_SECONDS.labels(path="redis").set(read.out_seconds or 0.0)
    return read


def export_runs() -> Sequence[LastRun]:
    runs = read_runs()
    for each in runs:
        if each.age_seconds is not None:
            RECONCILER_AGE_SECONDS.labels(reconciler=each.name).set(each.age_seconds)
    return runs


def end_expired_leases_without_beat(runs: Sequence[LastRun]) -> int:
    """Release expired leases while the reconciler does not run: without beat, their leads would wait for it.

    This is the reconciler's own work under its lock, so each lost worker is counted once. It is not recorded as a run,
    so that monitoring still sees a late reconciler. Returns how many leads were requeued. Raises redis.RedisError.
    """
    run = next((each for each in runs if each.name == INFLIGHT), None)
    if run is None or (
        run.age_seconds is not None and run.age_seconds <= LATE_AFTER_PERIODS * run.period_seconds
    ):
        return 0
    try:
        with owned_lock(INFLIGHT):
            counts = inflight.run(fix=True, limit=LEASES_PER_CHECK)
    except ReconcilerBusy:
        return 0
    if counts.repaired:
        logger.warning("dispatch.leases_ended_without_beat", extra={"leads": counts.repaired})
    return counts.repaired


def publish_all(dispatched: Sequence[Dispatched], *, path: str) -> None:
    """Publish leads in flight. Raises BrokerRefused if the broker refused one; it is requeued."""
    if publish(dispatched, path=path) < len(dispatched):
        raise BrokerRefused


def log_returned(count: int, *, path: str) -> None:
    """Log and count leads that were dispatched, reached no worker, and are requeued now."""
    if count:
        LEADS_RETURNED.labels(path=path).inc(count)
        logger.warning("dispatch.unpublished_returned", extra={"leads": count, "path": path})


def requeue_lost(leads: Sequence[Due], *, spread: Spread, at: datetime, path: str) -> None:
    """Requeue those leads that the schedule does not have. Raises BrokerRefused."""
    lost_ids = schedule.find_lost(leads)
    lost = [lead for lead in leads if lead.lead_id in lost_ids]
    if lost and not requeue_leads(lost, spread=spread, at=at, path=path):
        raise BrokerRefused


def catch_up() -> Iterator[None]:
    """Requeue lost leads that are due soon, a page at each step. Raises redis.RedisError, BrokerRefused.

    Leads of paused workspaces are left to the reconciler and to the resume. The pauses are copied to Redis first.
    """
    mirror_paused()
    spread = Spread(randbits(32))
    until = read_clock() + _catch_up_time()
    scan = scan_running(DispatchMode.EVENT)
    while not scan.is_finished:
        requeue_lost(scan.read_page(until=until), spread=spread, at=read_clock(), path="put")
        yield


def _catch_up_time() -> timedelta:
    _, period_seconds = settings.LEADSWITCH_RECONCILERS["schedule"]
    return max(MIN_CATCH_UP, timedelta(seconds=2 * period_seconds))

"""The loop that starts leads when they are due: the leading dispatcher moves them to the ready queues.

    lead or stand by -> claim a batch of due leads -> publish it -> wait for a tick, the next due time, or a put
    Redis does not respond, or refuses a write -> fallback: run due leads from PostgreSQL until it does
    the schedule misses due leads of PostgreSQL, a canary is late -> see routing/dispatcher/leader_tasks.py

It may repeat a step or be killed halfway: a lease or its row's lock protects each lead.
"""

import logging
import time
from collections.abc import Callable, Iterator
from secrets import token_hex
from threading import Event
from typing import Final

from django.conf import settings
from django.db import Error, close_old_connections
from redis.client import PubSub
from redis.exceptions import RedisError

from routing.dispatch import installation, schedule, workers
from routing.dispatch.control import clear_leader_heartbeat, read_control, write_leader_heartbeat
from routing.dispatch.enqueue import CLAIM_PATH
from routing.dispatch.heartbeat import send_heartbeat
from routing.dispatch.leadership import acquire_leadership, resign
from routing.dispatch.schedule import TIMEOUT_SECONDS, Batch, Leader, NotLeading
from routing.dispatch.sizes import read_sizes
from routing.dispatcher.fallback import run_without_redis
from routing.dispatcher.leader_tasks import (
    BrokerRefused,
    Interval,
    LeaderTasks,
    catch_up,
    export_canary,
    log_returned,
    publish_all,
)
from routing.metrics.dispatch import TICK_SECONDS
from routing.metrics.leader import (
    DISPATCHER_LEADING,
    INFLIGHT_LEADS,
    QUEUE_CONSUMED,
    READY_LEADS,
    SCHEDULE_LATE_SECONDS,
    SCHEDULE_LEADS,
    SCHEDULE_OVERDUE,
    STALE_LEADS,
    WORKERS_ALIVE,
)
from routing.models import DispatchPath
from routing.redis.client import get_client
from routing.redis.keys import wake_key

logger = logging.getLogger(__name__)

# Leads that become due right after a batch go together in the next one: a message costs as much CPU as half a sale. So
# the wait grows with the size of the batch, up to a tick: from about 140 leads/s on, they go out in ticks.
# No setting: LEADSWITCH_DISPATCHER_TICK_MS limits it.
GATHER_SECONDS_PER_LEAD: Final = 0.007
# Below the timeout of the socket: the wait itself must not look like a failure.
LONGEST_WAIT_SECONDS: Final = TIMEOUT_SECONDS / 2


class WakeChannel:
    """Waits until a put brings an earlier due time than the known ones.

    The wait is on this side of the connection: Redis ends a blocking wait up to a tenth of a second late.
    """

    def __init__(self) -> None:
        self._channel: PubSub | None = None

    def wait(self, seconds: float) -> None:
        """Raises redis.RedisError. A message before the subscription costs half a second: no wait is longer."""
        self._listen().get_message(timeout=seconds)

    def forget(self) -> None:
        """Drop the messages so far: the next claim checks all workspaces. Raises redis.RedisError."""
        channel = self._listen()
        while channel.get_message(timeout=0) is not None:
            pass

    def close(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def _listen(self) -> PubSub:
        if self._channel is None:
            pool = get_client(TIMEOUT_SECONDS).connection_pool
            self._channel = PubSub(pool, ignore_subscribe_messages=True)
            self._channel.subscribe(wake_key())
        return self._channel


class Dispatcher:
    """One process. Several may run: one leads, the others stand by.

    `run_next_due` runs the lead that has been due longest and returns False if there is none. It is used while Redis is
    down, or while no worker consumes the queues. It belongs to a higher app.
    """

    def __init__(self, process: str, *, run_next_due: Callable[[], bool], stop: Event) -> None:
        # A process id may repeat on another machine or in another container.
        self.name = f"{process}:{token_hex(4)}"
        self._run_next_due = run_next_due
        self._stop = stop
        self._tuning, self._takeover = settings.LEADSWITCH_TUNING, settings.LEADSWITCH_TAKEOVER
        self._leader: Leader | None = None
        self._published: int | None = None  # the number of the last batch, once its leads are published
        self._wake_channel = WakeChannel()
        self._catching_up: Iterator[None] = iter(())
        self._leader_tasks = LeaderTasks()
        self._renewal = Interval(self._tuning.renewal_seconds)
        self._leader_heartbeat = Interval(self._takeover.leader_heartbeat_seconds)
        self._sizes = Interval(self._tuning.sizes_seconds)
        self._process_heartbeat = Interval(self._takeover.process_heartbeat_seconds)

    def run(self) -> None:
        """Run until `stop` is set. Survives failures of Redis and PostgreSQL. Raises OtherInstallation."""
        while not self._stop.is_set():
            self._send_heartbeat()
            try:
                self._turn()
            except NotLeading:
                self._lose("another dispatcher leads")
            except (RedisError, BrokerRefused) as error:
                self._lose(type(error).__name__)
                self._run_without_redis()
            except Error as error:
                self._report_database(error)
        self._resign()

    def _send_heartbeat(self) -> None:
        """Send the heartbeat of the process, whether it leads or not."""
        if self._process_heartbeat.is_due():
            send_heartbeat(settings.VAR_DIR, "dispatcher")
            self._process_heartbeat.restart()

    def _turn(self) -> None:
        leader = self._renew_leadership()
        if leader is None:
            self._stop.wait(self._takeover.standby_seconds)
            return
        started = time.monotonic()
        self._report(leader)
        next(self._catching_up, None)
        self._leader_tasks.run_due()
        self._leader_tasks.run_due_leads(self._run_next_due, stop=self._stop)
        batch = schedule.claim_batch(leader, limit=self._tuning.batch_leads, published=self._published)
        self._published, claimed_at = None, time.monotonic()
        log_returned(batch.returned, path=CLAIM_PATH)
        publish_all(batch.leads, path=CLAIM_PATH)
        self._published = batch.number
        TICK_SECONDS.observe(time.monotonic() - started)
        self._wait(batch, claimed_at=claimed_at)

    def _renew_leadership(self) -> Leader | None:
        """Win or renew the leadership. Every claim checks it again, so it may be stale. Raises OtherInstallation."""
        if self._leader is not None and not self._renewal.is_due():
            return self._leader
        known = self._leader
        least_epoch = known.epoch if known else read_control().epoch
        installation.acquire_redis()
        leader, is_new = acquire_leadership(
            self.name, lease_ms=self._tuning.leader_lease_ms, least_epoch=least_epoch
        )
        self._renewal.restart()
        if leader is None:
            self._lose("another dispatcher leads")
            return None
        self._leader = leader
        if is_new or known is None:
            self._win(leader)
        return leader

    def _win(self, leader: Leader) -> None:
        """Also after a restart or a flush of Redis: requeue at once what is due soon, a page per turn."""
        logger.info("dispatch.leading", extra={"leader": self.name, "epoch": leader.epoch})
        DISPATCHER_LEADING.labels(path="redis").set(1)
        self._leader_heartbeat = Interval(self._takeover.leader_heartbeat_seconds)
        self._catching_up = catch_up()
        self._leader_tasks = LeaderTasks()

    def _lose(self, cause: str) -> None:
        if self._leader is not None:
            logger.warning("dispatch.not_leading", extra={"leader": self.name, "cause": cause})
            DISPATCHER_LEADING.labels(path="redis").set(0)
        self._leader = self._published = None
        self._wake_channel.close()

    def _report(self, leader: Leader) -> None:
        """While PostgreSQL does not respond, this fails in every turn: no worker could process a lead then."""
        if self._leader_heartbeat.is_due():
            close_old_connections()
            write_leader_heartbeat(self.name, epoch=leader.epoch, path=DispatchPath.REDIS)
            self._leader_heartbeat.restart()
        if self._sizes.is_due():
            export_sizes()
            self._sizes.restart()

    def _wait(self, batch: Batch, *, claimed_at: float) -> None:
        """Wait a tick while leads wait for room, else until the next is due or a put brings an earlier one."""
        if batch.is_more or batch.is_blocked:
            self._wake_channel.forget()
            if not batch.is_more:
                self._stop.wait(max(0.0, claimed_at + self._tuning.tick_seconds - time.monotonic()))
            return
        if batch.leads:
            self._stop.wait(min(self._tuning.tick_seconds, GATHER_SECONDS_PER_LEAD * len(batch.leads)))
        wait = LONGEST_WAIT_SECONDS
        if batch.next_due_seconds is not None:
            wait = min(wait, claimed_at + batch.next_due_seconds - time.monotonic())
        if wait > 0:
            self._wake_channel.wait(wait)

    def _run_without_redis(self) -> None:
        try:
            close_old_connections()
            export_canary()
            run_without_redis(self.name, run_next_due=self._run_next_due, stop=self._stop)
        except Error as error:
            self._report_database(error)

    def _report_database(self, error: Error) -> None:
        logger.warning("dispatch.database_failed", extra={"cause": type(error).__name__})
        close_old_connections()
        installation.forget()  # it may be another database when it responds again
        self._catching_up = catch_up()  # that step may have failed
        self._stop.wait(self._takeover.pause_after_failure_seconds)

    def _resign(self) -> None:
        is_leading = self._leader is not None
        self._lose("stopped")
        try:
            resign(self.name)
            if is_leading:
                installation.release()
            clear_leader_heartbeat(self.name)
        except (RedisError, Error) as error:
            logger.warning("dispatch.not_resigned", extra={"cause": type(error).__name__})


def export_sizes() -> None:
    sizes = read_sizes()
    for shard, size in enumerate(sizes.shards):
        SCHEDULE_LEADS.labels(shard=str(shard)).set(size.waiting)
        SCHEDULE_OVERDUE.labels(shard=str(shard)).set(size.overdue)
        READY_LEADS.labels(shard=str(shard)).set(size.ready)
        STALE_LEADS.labels(shard=str(shard)).set(size.stale)
        QUEUE_CONSUMED.labels(shard=str(shard)).set(size.is_consumed)
    SCHEDULE_LATE_SECONDS.labels(path="redis").set(sizes.overdue_seconds)
    INFLIGHT_LEADS.labels(state="queued").set(sizes.ready)
    INFLIGHT_LEADS.labels(state="started").set(max(0, sizes.inflight - sizes.ready))
    WORKERS_ALIVE.labels(path="redis").set(workers.count_alive())

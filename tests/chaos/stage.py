"""Everything that a fault needs to strike, and the measurements around it."""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

from django.db import connection

from leadswitch.embedded import redis as embedded_redis
from leadswitch.embedded.paths import ServicePaths
from routing.redis.keys import dispatcher_key, inflight_key
from tests.chaos.bounds import longest_way_back
from tests.chaos.evidence import Claims, Repairs, Witness
from tests.chaos.findings import Findings
from tests.chaos.fleet import Fleet
from tests.chaos.periods import Periods
from tests.chaos.probes import asking
from tests.chaos.sending import Senders
from tests.chaos.world import World
from tests.support.waiting import fetch_value, wait_until

if TYPE_CHECKING:
    import redis

# Sent again and again until a process comes to the point at which it is to stop.
LEADS_AGAIN: Final = 2
# A worker with an open transaction has a lead.
BUSY: Final = """
SELECT DISTINCT application_name FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'worker-%' AND xact_start IS NOT NULL
"""
ATTEMPTS: Final = "SELECT count(*) FROM tracing_attempt"
IS_DUE: Final = """
SELECT EXISTS (
    SELECT FROM routing_lead
    WHERE status = 'pending' AND next_attempt_at <= clock_timestamp() AND workspace_id <> %s
)
"""
# The leads that start after the fault: new and delayed ones, when the first of each was due and tried.
CAME_UP: Final = """
SELECT extract(epoch FROM (min(a.started_at) FILTER (WHERE NOT l.is_later)) - %(at)s),
    extract(epoch FROM (min(a.started_at) FILTER (WHERE l.is_later)) - greatest(%(at)s, min(l.due_at)))
FROM tracing_attempt a
JOIN (
    SELECT id, external_id <> '' AS is_later, to_timestamp((attributes ->> 'due')::float) AS due_at FROM routing_lead
) l ON l.id = a.lead_id
WHERE a.number = 1 AND a.started_at > %(at)s
"""


@dataclass(slots=True)
class Strike:
    """One fault, at one moment of the database's clock."""

    at: datetime
    inflight: int


@dataclass(slots=True)
class Stage:
    directory: Path
    fleet: Fleet
    world: World
    senders: Senders
    services: ServicePaths
    client: "redis.Redis[str]"
    witness: Witness
    repairs: Repairs
    random: Random
    periods: Periods
    pile: int  # leads of the paused workspace, while a fault needs them
    findings: Findings = field(default_factory=Findings)
    claims: Claims = field(default_factory=Claims)
    strikes: list[Strike] = field(default_factory=list)
    pairs: Counter[str] = field(default_factory=Counter)  # of simultaneous faults

    def send(self, count: int) -> None:
        self.fleet.enqueue(self.senders.send(count))

    def strike(self) -> Strike:
        """Call it right before the fault, while Redis still responds."""
        self.claims.read(self.client)
        inflight = int(self.client.zcard(inflight_key()))
        self.strikes.append(Strike(fetch_value("SELECT clock_timestamp()"), inflight))
        return self.strikes[-1]

    def wait(self, condition: Callable[[], bool], *, what: str, seconds: float | None = None) -> None:
        """Raises TooSlow after `seconds`, or after the longest time that the periods explain."""

        def is_met() -> bool:
            self.fleet.supervise()
            return condition()

        wait_until(is_met, what=what, seconds=seconds or longest_way_back(self.periods))

    def wait_for_work(self, leads: int) -> list[int]:
        """Wait for a random moment while workers have these new leads. Returns the workers that have one."""
        goal = fetch_value(ATTEMPTS) + self.random.randrange(max(1, leads // 2))
        busy: list[int] = []

        def is_busy_or_done() -> bool:
            busy[:] = self.read_busy() if fetch_value(ATTEMPTS) >= goal else []
            return bool(busy) or (not self.senders.unanswered and not self.is_anything_due())

        self.wait(is_busy_or_done, what="a worker with a lead")
        return busy

    def read_busy(self) -> list[int]:
        with connection.cursor() as cursor:
            cursor.execute(BUSY)
            pids = {int(name.removeprefix("worker-")) for (name,) in cursor.fetchall()}
        return [pid for pid in self.fleet.workers if pid in pids]

    def is_anything_due(self) -> bool:
        return bool(fetch_value(IS_DUE, [self.world.paused.pk]))

    def read_leader(self) -> int:
        """The process that leads through Redis. 0 if none does."""
        name = self.client.get(dispatcher_key())
        return int(name.split(":")[1]) if name else 0

    def wait_for_leader(self, *, other_than: int = 0) -> int:
        self.wait(lambda: self.read_leader() not in (0, other_than), what="a dispatcher that leads")
        return self.read_leader()

    def wait_until_a_dispatcher_works(self, since: datetime) -> None:
        """Without Redis the dispatchers run leads themselves."""
        names = [f":{pid}" for pid in self.fleet.dispatchers]
        self.wait(
            lambda: any(each.endswith(tuple(names)) for each in read_who_worked(since)),
            what="a lead that a dispatcher ran itself",
        )

    def wait_for_refusal(self, *, since: int) -> None:
        """Until a sender got a 503. Sends another request if none is left."""

        def is_refused() -> bool:
            if not self.senders.unanswered:
                self.send(1)
            return self.senders.seen["repeated after 503"] > since

        self.wait(is_refused, what="a request that is refused with 503")

    @contextmanager
    def stopping_at(self, point: str) -> Iterator[Callable[[], int]]:
        """Stop the next process at this point. It continues at the end. The yielded call waits for it.

        It sends more leads while no lead is due and no process has stopped: after an outage of Redis, a dispatcher may
        have run the first ones itself, and then no worker comes to its decision.
        """
        self.witness.read().stopped = 0
        asking(self.directory, point).touch()

        def wait_for_stop() -> int:
            self.wait(has_stopped, what=f"a process that comes to its {point}")
            return self.witness.stopped

        def has_stopped() -> bool:
            if self.witness.read().stopped != 0:
                return True
            if not self.senders.unanswered and not self.is_anything_due():
                self.send(LEADS_AGAIN)
            return False

        try:
            yield wait_for_stop
        finally:
            asking(self.directory, point).unlink(missing_ok=True)
            if self.witness.read().stopped:
                go_on(self.witness.stopped)

    @contextmanager
    def losing_an_answer(self, of: str) -> Iterator[Callable[[], None]]:
        """The next answer of this kind is lost. The yielded call waits for that."""
        lost = f"an answer is lost: {of}"
        seen = self.witness.read().seen[lost]
        asked = asking(self.directory, f"answer-{of}")
        asked.touch()
        try:
            yield lambda: self.wait(lambda: self.witness.read().seen[lost] > seen, what=lost)
        finally:
            asked.unlink(missing_ok=True)

    def redis_pid(self) -> int:
        return int((self.services.redis_dir / "server.pid").read_text())

    def restart_redis(self, *, between: Callable[[], None]) -> None:
        embedded_redis.stop(self.services)
        try:
            between()
        finally:
            embedded_redis.start(self.services)


def read_who_worked(since: datetime) -> Sequence[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT worker FROM tracing_attempt WHERE started_at > %s", [since])
        return [row[0] for row in cursor.fetchall()]


def go_on(pid: int) -> None:
    with suppress(ProcessLookupError):  # a fault may have killed it
        os.kill(pid, signal.SIGCONT)


class Watch:
    """Seconds since its creation."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

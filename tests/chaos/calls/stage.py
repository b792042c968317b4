"""The processes of a run, the carrier and its people, and how a fault strikes them."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

import psutil
import redis
from django.conf import settings

from distribution.models import Call
from tests.carrier import Carrier, start_carrier
from tests.chaos.calls.probes import MOMENT
from tests.chaos.calls.world import World, build_world
from tests.chaos.crew import Crew
from tests.chaos.findings import Findings
from tests.chaos.fleet import Host, hosted
from tests.chaos.playing import pick_up_due, read_totals
from tests.chaos.probes import asking
from tests.support.ports import free_port
from tests.support.waiting import TooSlow, fetch_value, wait_until

DIALERS: Final = 2
# Few, so that a killed process takes few requests with it.
THREADS: Final = "6"
# More leads are sent while fewer than this wait for a line.
LEAST_WAITING: Final = 40
SENT_AT_ONCE: Final = 10
LONGEST_SECONDS: Final = 60.0
AWAY_SECONDS: Final = 2.0
# What people do, and how the carrier treats requests and reports.
MIX: Final = {
    "confirms": 40,
    "declines": 8,
    "no-key": 6,
    "voicemail": 8,
    "busy": 8,
    "no-answer": 6,
    "failed": 4,
    "opts-out": 4,
    "silent": 4,
    "slow-key": 4,
    "hangs-up": 2,
}
TIMES: Final = {"second_ms": 200, "setup_ms": 5, "ring_ms": 60, "amd_ms": 5, "say_ms": 5, "key_ms": 10}
FAULTS_OF_REPORTS: Final = {"lose": 0.05, "double": 0.1, "reorder": 0.2, "delay_ms": 300}
FAULTS_OF_REQUESTS: Final = {
    "throttle": 0.01,
    "retry_after_seconds": 0.2,
    "fail_before": 0.005,
    "fail_after": 0.03,
    "reset_after": 0.03,
    "late_answer": 0.02,
    "late_ms": 300,
}
WAITING: Final = """
SELECT count(*) FROM distribution_verification WHERE state = 'waiting' AND due_at <= clock_timestamp()
"""
# One statement: a call that ends makes its lead due.
UNFINISHED: Final = """
SELECT
    (SELECT count(*) FROM distribution_call WHERE ended_at IS NULL) AS calls,
    (SELECT count(*) FROM distribution_verification
        WHERE state = 'waiting' AND due_at <= clock_timestamp() + interval '5 seconds') AS waiting,
    (SELECT count(*) FROM distribution_callnotice WHERE applied_at IS NULL) AS reports,
    (SELECT count(*) FROM routing_lead WHERE status = 'pending'
        AND next_attempt_at <= clock_timestamp() + interval '5 seconds') AS due
"""


@dataclass(slots=True)
class Stage:
    directory: Path
    crew: Crew
    carrier: Carrier
    world: World
    random: Random
    findings: Findings = field(default_factory=Findings)
    seen: Counter[str] = field(default_factory=Counter)

    def supply(self) -> None:
        """Keep the dialers busy. For conditions that are polled."""
        self.crew.start_missing()
        if int(fetch_value(WAITING)) < LEAST_WAITING:
            self.world.send(SENT_AT_ONCE)
        pick_up_due(self.seen)

    def wait(self, condition: Callable[[], bool], *, what: str) -> None:
        wait_until(condition, what=what, seconds=LONGEST_SECONDS)

    def kill(self, point: str) -> None:
        """A process dies at this place. Another one takes its place."""
        if point == MOMENT:
            self.kill_any()
        else:
            asked = asking(self.directory, point)
            asked.touch()
            self.wait(lambda: self.supply() or not asked.exists(), what=f"a process that dies: {point}")
        self.seen[f"killed: {point}"] += 1

    def kill_any(self) -> None:
        goal = Call.objects.count() + self.random.randrange(1, 9)
        self.wait(lambda: self.supply() or Call.objects.count() >= goal, what="calls before a dialer dies")
        self.crew.kill(self.random.randrange(DIALERS))

    def kill_web(self) -> None:
        self.crew.kill_web()
        self.wait(lambda: self.supply() or self.crew.serves(), what="the web server")

    def cut_postgres(self) -> None:
        self.crew.cut_postgres()

    def flush_redis(self) -> None:
        with redis.from_url(settings.REDIS_URL) as client:
            client.flushall()

    def lose_carrier(self) -> None:
        """Its API refuses connections for some seconds, and what it would report then is lost."""
        self.carrier.go_away(seconds=AWAY_SECONDS, notices=self.random.choice(["lost", "held"]))
        goal = len(self.carrier.calls()) + 2 * sum(channel.lines for channel in self.world.channels)
        self.wait(
            lambda: self.supply() or len(self.carrier.calls()) >= goal,
            what="calls after the carrier came back",
        )

    def wait_for_calls(self, count: int) -> None:
        wait_until(
            lambda: self.supply() or Call.objects.count() >= count,
            what=f"{count:,} calls",
            seconds=20 * LONGEST_SECONDS,
        )

    def reconcile(self) -> None:
        """As beat has it run."""
        for name in ("channels", "verifications", "stale_locks"):
            pid = self.crew.host.start("reconcile", name)
            self.wait(lambda pid=pid: not psutil.pid_exists(pid), what=f"reconcile {name}")  # type: ignore[misc]

    def drain(self) -> None:
        """Until no call is out and no verification is due."""
        try:
            self.wait(self.is_idle, what="the end of every call")
        except TooSlow:
            left = read_totals(UNFINISHED)
            self.findings.add(f"not ended: {left}", 1)

    def is_idle(self) -> bool:
        self.crew.start_missing()
        pick_up_due(self.seen)
        return not any(read_totals(UNFINISHED).values()) and not any(self.carrier.record()["live"].values())


@contextmanager
def staged(directory: Path, *, protections: tuple[str, ...], seed: int) -> Iterator[Stage]:
    address = f"127.0.0.1:{free_port()}"
    with ExitStack() as stack:
        carrier = stack.enter_context(start_carrier())
        carrier.configure(seed=seed, mix=MIX, **TIMES, **FAULTS_OF_REPORTS, **FAULTS_OF_REQUESTS)
        world = build_world(carrier, seed=seed)
        hosts = [
            stack.enter_context(_hosting(role, directory, address, protections=protections))
            for role in ("worker", "web")
        ]
        for host in hosts:
            host.wait_until_ready()
        crew = Crew("dialer", DIALERS, *hosts, address)
        crew.start()
        ready = Stage(directory, crew, carrier, world, Random(seed))
        ready.wait(crew.serves, what="the web server")
        yield ready


def _hosting(
    role: str, directory: Path, address: str, *, protections: tuple[str, ...]
) -> AbstractContextManager[Host]:
    environment = {
        "LEADSWITCH_ROLE": role,
        "REDIS_URL": settings.REDIS_URL,
        "LEADSWITCH_BASE_URL": f"http://{address}",
        "ALLOWED_HOSTS": "127.0.0.1,testserver",
        "LEADSWITCH_OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8",
        "LEADSWITCH_DIALER_THREADS": THREADS,
        "LEADSWITCH_LOG_LEVEL": "INFO",
    }
    log = directory / f"{role}.log"
    return hosted("tests.chaos.calls.host", directory, *protections, log=log, **environment)

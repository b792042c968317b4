"""The processes of a run, its buyers and leads, and how a fault strikes them."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from django.db import connection

from leadswitch.embedded import redis as embedded_redis
from tests.chaos.findings import Findings
from tests.chaos.fleet import Fleet, fleet
from tests.chaos.offers.buyers import Books, buying
from tests.chaos.offers.world import World, build_world
from tests.chaos.periods import SHORT
from tests.chaos.probes import asking
from tests.chaos.run import own_redis
from tests.support.waiting import TooSlow, fetch_value, wait_until

LONGEST_SECONDS: Final = 120.0
# More leads are sent while fewer than this have no end.
LEAST_OPEN: Final = 12
UNFINISHED: Final = "SELECT count(*) FROM routing_lead WHERE finished_at IS NULL"
CUT: Final = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


@dataclass(slots=True)
class Stage:
    directory: Path
    fleet: Fleet
    world: World
    books: Books
    random: Random
    findings: Findings = field(default_factory=Findings)
    seen: Counter[str] = field(default_factory=Counter)

    def supply(self) -> None:
        """Keep leads on offer. For conditions that are polled."""
        self.fleet.supervise()
        if fetch_value(UNFINISHED) < LEAST_OPEN:
            self.fleet.enqueue(self.world.send(LEAST_OPEN))

    def wait(self, condition: Callable[[], bool], *, what: str) -> None:
        wait_until(condition, what=what, seconds=LONGEST_SECONDS)

    def kill(self, point: str) -> None:
        """A process dies at this place. Its parent starts another one."""
        asked = asking(self.directory, point)
        asked.touch()
        self.wait(lambda: self.supply() or not asked.exists(), what=f"a process that dies: {point}")
        self.seen[f"killed: {point}"] += 1

    def kill_web(self) -> None:
        self.fleet.kill_web()
        self.fleet.wait_until_serving()

    def kill_worker(self) -> None:
        self.fleet.kill_worker(self.random.choice(self.fleet.workers))

    def kill_dispatcher(self) -> None:
        self.fleet.kill_dispatcher(self.random.choice(self.fleet.dispatchers))

    def cut_postgres(self) -> None:
        """All sessions but this one are terminated."""
        with connection.cursor() as cursor:
            cursor.execute(CUT)

    def drain(self) -> None:
        """Until every lead has an end."""
        try:
            self.wait(
                lambda: self.fleet.supervise() or fetch_value(UNFINISHED) == 0, what="the end of every lead"
            )
        except TooSlow as slow:
            self.findings.add(str(slow), fetch_value(UNFINISHED))


@contextmanager
def staged(directory: Path, *, protections: tuple[str, ...], seed: int) -> Iterator[Stage]:
    world = build_world()
    with (
        own_redis(directory) as services,
        fleet(
            directory,
            redis_url=embedded_redis.redis_url(services),
            protections=protections,
            periods=SHORT,
            module="tests.chaos.offers.host",
        ) as started,
        buying(world.keys, address=started.address) as books,
    ):
        yield Stage(directory, started, world, books, Random(seed))

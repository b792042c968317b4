"""The processes of each contender, in the bench's database and in a separate Redis database."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import redis
from django.conf import settings

from leadswitch.up import DISPATCHER
from tests.bench.children import Child, child_environment, end
from tests.bench.dispatch.plan import COUNTDOWN, EVENT, POLLER
from tests.bench.servers import HOST, LEADING, run_worker, start_ready
from tests.support.warm.started import start_python

REDIS_DATABASE: Final = 9
POLLERS: Final = 2  # as many as the worker has processes
WITHOUT_LIMIT: Final = 10_000_000


class RedisInUse(Exception):
    """The Redis database that the bench would empty has keys of another program."""


@dataclass(frozen=True, slots=True)
class Place:
    """The database and Redis that the bench's processes use."""

    database_url: str
    redis_url: str
    directory: Path

    def environment(self, **more: str) -> dict[str, str]:
        return {
            **child_environment(self.database_url, role="worker"),
            "REDIS_URL": self.redis_url,
            # When both URLs are set, a process needs its secrets too.
            "SECRET_KEY": settings.SECRET_KEY,
            "LEADSWITCH_IDENTITY_KEY": settings.LEADSWITCH_IDENTITY_KEY,
            "LEADSWITCH_ENCRYPTION_KEY": settings.LEADSWITCH_ENCRYPTION_KEY,
            "ALLOWED_HOSTS": HOST,
            "DJANGO_SETTINGS_MODULE": "leadswitch.settings",
            **more,
        }


@contextmanager
def bench_redis() -> Iterator[str]:
    """Yield the URL of an empty Redis database on the live server, and empty it at the end. Raises RedisInUse."""
    url = _with_database(settings.REDIS_URL)
    with redis.Redis.from_url(url) as client:
        strangers = [key for key in client.scan_iter(count=1000) if b"-bench" not in key]
        if strangers:
            message = (
                f"Redis database {REDIS_DATABASE} is not empty ({strangers[0]!r}); the bench would flush it"
            )
            raise RedisInUse(message)
        client.flushdb()
        try:
            yield url
        finally:
            client.flushdb()


def _with_database(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"unix://{parts.path}?db={REDIS_DATABASE}"
    return parts._replace(path=f"/{REDIS_DATABASE}").geturl()


@contextmanager
def start_child(place: Place) -> Iterator[Child]:
    log = place.directory / "child.log"
    with log.open("w") as output:
        process = start_python(
            *("-m", "tests.bench.dispatch.child"),
            cwd=settings.BASE_DIR,
            env=place.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
        )
        try:
            yield Child(process, log)
        finally:
            end(process)


@contextmanager
def running(contender: str, place: Place) -> Iterator[Mapping[str, int]]:
    """Run the processes of this contender. Yields their ids by name when they are ready."""
    with ExitStack() as stack:
        processes: dict[str, int] = {}
        if contender in (EVENT, COUNTDOWN):
            processes["worker"] = stack.enter_context(
                run_worker(place.environment(), directory=place.directory)
            )
        if contender == EVENT:
            processes["dispatcher"] = stack.enter_context(run_dispatcher(place))
        if contender == POLLER:
            for number in range(POLLERS):
                poller = _start(place, f"poller-{number}", "-m", "tests.bench.dispatch.poller")
                processes[f"poller-{number}"] = stack.enter_context(poller)
        yield processes


@contextmanager
def run_dispatcher(place: Place, **environment: Any) -> Iterator[int]:
    """Yield the process id of a dispatcher that leads."""
    with _start(place, "dispatcher", *DISPATCHER, ready=LEADING, **environment) as process_id:
        yield process_id


@contextmanager
def _start(place: Place, name: str, *command: str, ready: str = " ready.", **more: Any) -> Iterator[int]:
    log = place.directory / f"{name}.log"
    environment = place.environment(**{key: str(value) for key, value in more.items()})
    with start_ready([sys.executable, *command], environment, log=log, ready=ready) as process_id:
        yield process_id


def read_resident_bytes(process_id: int) -> int:
    """Return the resident memory of a process and its children."""
    total = 0
    for line in Path(f"/proc/{process_id}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            total += int(line.split()[1]) * 1024
    children = Path(f"/proc/{process_id}/task/{process_id}/children")
    return total + sum(read_resident_bytes(int(child)) for child in children.read_text().split())

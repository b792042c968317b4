"""Reads memory, CPU time, connections and retries of the running product in a thread, every few seconds."""

import os
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psutil
from django.db import connection

from leadswitch.database.connections import CONNECTIONS_LIMIT

MEGABYTE: Final = 1_000_000
POSTGRES: Final = "postgres"
REDIS: Final = "redis"
# What the command line of each program of `make up` contains. "other" is a process that this list does not name.
KINDS: Final = (
    ("gunicorn", "web"),
    ("beat", "beat"),
    ("dispatcher", "dispatcher"),
    ("deliverer", "deliverer"),
    ("dialer", "dialer"),
    ("streams", "streams"),
    ("exporter", "exporter"),
    ("worker", "worker"),
)
STATE: Final = f"""
SELECT (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
    {CONNECTIONS_LIMIT},
    count(*) FILTER (WHERE attempts > 0), count(*)
FROM routing_lead WHERE status = 'pending' AND next_attempt_at <= clock_timestamp()
"""


# Process id and start -> kind, and CPU seconds.
Used = dict[tuple[int, float], tuple[str, float]]


@dataclass(frozen=True, slots=True)
class Sample:
    """`memory_mb` and `cpu_seconds` are by kind of process, all processes of a kind together."""

    at: float
    connections: int
    connections_limit: int
    retries_due: int
    leads_due: int
    load: float
    memory_mb: Mapping[str, float]
    cpu_seconds: Mapping[str, float]


@dataclass(slots=True)
class Samples:
    rows: list[Sample] = field(default_factory=list)

    @property
    def peak_connections(self) -> int:
        return max(row.connections for row in self.rows)

    @property
    def kinds(self) -> list[str]:
        return sorted({kind for row in self.rows for kind in row.memory_mb})

    def memory_of(self, kind: str) -> list[tuple[float, float]]:
        return [(row.at, row.memory_mb[kind]) for row in self.rows if kind in row.memory_mb]

    def cpu_between(self, begin: float, end: float) -> dict[str, float]:
        """Return the share of one CPU that each kind used, in percent."""
        rows = [row for row in self.rows if begin <= row.at <= end]
        if len(rows) < 2:
            return {}
        first, last = rows[0], rows[-1]
        return {
            kind: 100 * (last.cpu_seconds[kind] - first.cpu_seconds.get(kind, 0.0)) / (last.at - first.at)
            for kind in last.cpu_seconds
        }

    def load_between(self, begin: float, end: float) -> float:
        """Return the highest load average of the machine."""
        return max((row.load for row in self.rows if begin <= row.at <= end), default=0.0)


@contextmanager
def sampling(roots: Mapping[int, str], *, seconds: float) -> Iterator[Samples]:
    """`roots`: process id -> kind; "" for the supervisor; the command line of each of its programs names the kind."""
    used: Used = {}
    samples = Samples([take_sample(roots, used)])
    is_over = threading.Event()

    def run() -> None:
        while not is_over.wait(seconds):
            samples.rows.append(take_sample(roots, used))
        connection.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield samples
    finally:
        is_over.set()
        thread.join()
        samples.rows.append(take_sample(roots, used))


def take_sample(roots: Mapping[int, str], used: Used) -> Sample:
    """`used` gets the CPU time of each process. What a process has used still counts after its end."""
    memory: dict[str, float] = defaultdict(float)
    cpu: dict[str, float] = defaultdict(float)
    for kind, process in _processes(roots):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            memory[kind] += _memory_mb(process)
            used[process.pid, process.create_time()] = (kind, times.user + times.system)
    for kind, seconds in used.values():
        cpu[kind] += seconds
    connections, limit, retries, due = _read_state()
    return Sample(time.time(), connections, limit, retries, due, os.getloadavg()[0], dict(memory), dict(cpu))


def _memory_mb(process: psutil.Process) -> float:
    """A page that several processes share counts once in all of them together (proportional set size).

    The resident size of PostgreSQL counts its shared buffers once for each session that has used them, so it grows
    until every session has used all. Only Linux has the proportional size; elsewhere it is the resident size.
    """
    info = process.memory_full_info()
    return float(getattr(info, "pss", info.rss)) / MEGABYTE


def postgres_pid(data: Path) -> int:
    return int((data / "postmaster.pid").read_text().splitlines()[0])


def redis_pid(directory: Path) -> int:
    return int((directory / "server.pid").read_text())


def _processes(roots: Mapping[int, str]) -> Iterator[tuple[str, psutil.Process]]:
    for pid, kind in roots.items():
        with suppress(psutil.NoSuchProcess):
            root = psutil.Process(pid)
            if kind:
                yield from ((kind, each) for each in (root, *root.children(recursive=True)))
                continue
            for program in root.children():
                name = _kind_of(program)
                yield from ((name, each) for each in (program, *program.children(recursive=True)))


def _kind_of(program: psutil.Process) -> str:
    words = " ".join(program.cmdline())
    return next((kind for word, kind in KINDS if word in words), "other")


def _read_state() -> Sequence[Any]:
    with connection.cursor() as cursor:
        cursor.execute(STATE)
        row = cursor.fetchone()
    assert row is not None
    return tuple(row)

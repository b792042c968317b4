"""CPU time, memory and open files of each kind of process: the process itself and all its children.

A process registers its kind when it starts. If processes share PROMETHEUS_MULTIPROC_DIR, each leaves its name there,
and every endpoint shows all of them.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, Final

import psutil
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from leadswitch.levels.serving.directory import VARIABLE

GONE: Final = (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess)


class ProcessKind(StrEnum):
    WEB = "web"
    WORKER = "worker"
    DISPATCHER = "dispatcher"
    DELIVERER = "deliverer"
    DIALER = "dialer"
    STREAMS = "streams"
    BEAT = "beat"
    EXPORTER = "exporter"


class Registered:
    """The kind of this process, if no directory has it."""

    kinds: ClassVar[dict[ProcessKind, set[int]]] = {}


def register_process(kind: ProcessKind) -> None:
    """Name this process as the parent of its kind."""
    Registered.kinds.setdefault(kind, set()).add(os.getpid())
    directory = os.environ.get(VARIABLE)
    if directory:
        (Path(directory) / f"{kind.value}-{os.getpid()}.process").touch()


def find_parents() -> dict[ProcessKind, set[int]]:
    """The processes of each kind that may be alive."""
    directory = os.environ.get(VARIABLE)
    if not directory:
        return Registered.kinds
    found: dict[ProcessKind, set[int]] = {}
    for path in Path(directory).glob("*-*.process"):
        kind, _, pid = path.stem.partition("-")
        found.setdefault(ProcessKind(kind), set()).add(int(pid))
    return found


class ProcessUse(Collector):
    """What the processes of each kind use now. CPU time grows; it starts again when the parent is restarted."""

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        cpu = CounterMetricFamily(
            "leadswitch_process_cpu_seconds",
            "CPU time of the processes of a kind, with their children.",
            labels=["kind"],
        )
        memory = GaugeMetricFamily(
            "leadswitch_process_resident_memory_bytes",
            "Resident memory of the processes of a kind. Memory that they share is counted for each.",
            labels=["kind"],
        )
        files = GaugeMetricFamily(
            "leadswitch_process_open_files",
            "Open files and connections of the processes of a kind.",
            labels=["kind"],
        )
        for kind, pids in sorted(find_parents().items()):
            used = [use for pid in pids for use in read_tree(pid)]
            if used:
                cpu.add_metric([kind.value], sum(use[0] for use in used))
                memory.add_metric([kind.value], sum(use[1] for use in used))
                files.add_metric([kind.value], sum(use[2] for use in used))
        yield from (cpu, memory, files)


def read_tree(pid: int) -> list[tuple[float, int, int]]:
    """CPU seconds, bytes and open files of a process and of each of its children. Empty if it ended."""
    try:
        parent = psutil.Process(pid)
        members = [parent, *parent.children(recursive=True)]
    except GONE:
        return []
    used = []
    for process in members:
        with suppress(*GONE), process.oneshot():
            times = process.cpu_times()
            # Linux adds the time of a child to its parent when the child has ended.
            ended = getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
            used.append((times.user + times.system + ended, process.memory_info().rss, process.num_fds()))
    return used

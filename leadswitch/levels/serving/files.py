"""The files in PROMETHEUS_MULTIPROC_DIR, in which processes share their metrics: one for each type and process.

Files of processes that ended stay, since their counts do. Only the values of `live` gauges end with their process.
"""

import struct
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import psutil
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

# What reading a file that was cut off, overwritten or removed raises.
UNREADABLE: Final = (OSError, RuntimeError, ValueError, struct.error)


def remove_dead_gauges(directory: Path) -> None:
    """Remove `live` gauges of processes that ended. A process that was killed could not do it itself."""
    for path in directory.glob("gauge_live*_*.db"):
        pid = path.stem.rpartition("_")[2]
        if pid.isdecimal() and not psutil.pid_exists(int(pid)):
            path.unlink(missing_ok=True)


class SharedFiles(Collector):
    """The metrics of all processes that share the directory. A file that cannot be read is left out and counted.

    It takes no lock: a pool may fork while another thread answers a scrape.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        started = time.perf_counter()
        remove_dead_gauges(self._directory)
        files = sorted(str(path) for path in self._directory.glob("*.db"))
        try:
            families, unreadable = merge(files), 0
        except UNREADABLE:
            readable = [path for path in files if is_readable(path)]
            families, unreadable = merge(readable), len(files) - len(readable)
        yield from families
        yield gauge("leadswitch_metrics_files", "Files in which processes share their metrics.", len(files))
        yield gauge(
            "leadswitch_metrics_files_unreadable",
            "Of these, files that could not be read. Their counts are missing.",
            unreadable,
        )
        yield gauge(
            "leadswitch_metrics_merge_seconds",
            "How long it took to read and add up the files for this scrape.",
            time.perf_counter() - started,
        )


def merge(files: list[str]) -> list[Metric]:
    families: Iterable[Metric] = MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]  # untyped library
    return list(families)


def is_readable(path: str) -> bool:
    """An empty file belongs to a process that is just starting; it is readable once it has a size."""
    try:
        values: Iterable[Any] = MmapedDict.read_all_values_from_file(path)  # type: ignore[no-untyped-call]  # as above
        for _ in values:
            pass
    except UNREADABLE:
        return False
    return True


def gauge(name: str, help_text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help_text, value=value)

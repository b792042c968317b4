"""What one endpoint shows: the product's metrics and what its processes use."""

import os
from collections.abc import Iterable
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry, Metric
from prometheus_client.registry import Collector

from leadswitch.levels.serving.directory import VARIABLE
from leadswitch.levels.serving.files import SharedFiles
from leadswitch.levels.serving.processes import ProcessUse


def make_registry() -> CollectorRegistry:
    """The metrics of all processes that share PROMETHEUS_MULTIPROC_DIR; without it, those of this process."""
    registry = CollectorRegistry()
    directory = os.environ.get(VARIABLE)
    registry.register(SharedFiles(Path(directory)) if directory else OwnMetrics())
    registry.register(ProcessUse())
    return registry


class OwnMetrics(Collector):
    """The metrics that this process has set."""

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterable[Metric]:
        return REGISTRY.collect()

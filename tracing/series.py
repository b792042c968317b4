"""The label values of each metric, declared beside it.

A series that first appears with its first event is lost to `increase()`, and a rule on it has no data before. So every
combination that can occur is created at 0 when its metric is defined.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Final, TypeVar

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

# Exceptions when PostgreSQL, or Redis and the broker, do not respond. A label `cause` may also name others.
POSTGRES_CAUSES: Final = ("OperationalError", "InterfaceError")
REDIS_CAUSES: Final = ("ConnectionError", "TimeoutError")

Labeled = TypeVar("Labeled", Counter, Gauge, Histogram)


@dataclass(frozen=True, slots=True)
class Series:
    """The declared series of a metric. `open_label`: a label that may also have values that nobody can list."""

    metric: MetricWrapperBase
    labels: tuple[Mapping[str, str], ...]
    open_label: str


DECLARED: Final[list[Series]] = []


def with_series(metric: Labeled, *, open_label: str = "", **values: Iterable[str]) -> Labeled:
    """Declare every combination of these label values, and create those of a counter or histogram at 0.

    A gauge is not created: 0 would be a false statement of a process that never sets it.
    """
    names = tuple(values)
    return with_pairs(metric, names, product(*values.values()), open_label=open_label)


def with_pairs(
    metric: Labeled, names: tuple[str, ...], rows: Iterable[tuple[str, ...]], *, open_label: str = ""
) -> Labeled:
    """Declare and create only these rows of label values, because other combinations cannot occur."""
    labels = tuple(dict(zip(names, row, strict=True)) for row in rows)
    DECLARED.append(Series(metric, labels, open_label))
    if not isinstance(metric, Gauge):
        for each in labels:
            metric.labels(**each)
    return metric

"""Compares the series that tests have produced with the declared ones (tracing/series.py)."""

from collections.abc import Mapping
from typing import Final

from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase

from tracing.series import DECLARED

# Reconcilers that tests define for themselves.
OF_TESTS: Final = {"names"}


def is_ours(metric: object) -> bool:
    return isinstance(metric, MetricWrapperBase) and metric._name.startswith("leadswitch_")


def declared_rows(metric: MetricWrapperBase) -> tuple[Mapping[str, str], ...]:
    return tuple(row for each in DECLARED if each.metric is metric for row in each.labels)


def undeclared(metric: MetricWrapperBase) -> set[tuple[str, ...]]:
    """The series of a metric that are not declared. A value of its open label may be any."""
    names = metric._labelnames
    open_labels = {each.open_label for each in DECLARED if each.metric is metric}
    closed = [place for place, name in enumerate(names) if name not in open_labels]
    declared = {tuple(row[names[place]] for place in closed) for row in declared_rows(metric)}
    if not closed:
        return set()
    return {
        key
        for key in metric._metrics
        if tuple(key[place] for place in closed) not in declared and not OF_TESTS & set(key)
    }


def find_undeclared() -> dict[str, set[tuple[str, ...]]]:
    """By metric, the series that this process has produced and that no metric declares."""
    found = {
        metric._name: undeclared(metric)
        for metric in list(REGISTRY._collector_to_names)
        if isinstance(metric, MetricWrapperBase) and is_ours(metric) and metric._labelnames
    }
    return {name: series for name, series in found.items() if series}

"""What a scrape of the exporter gets: the latest values of every collector. It reads no server."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from leadswitch.levels.exporter.refresher import Refreshed, Refresher
from leadswitch.levels.exporter.series import Series, Value

SUCCESS: Final = Series(
    "leadswitch_exporter_collector_success",
    "1 if the last pass of a collector succeeded and none is late.",
    "collector",
)
DURATION: Final = Series(
    "leadswitch_exporter_collector_duration_seconds",
    "How long the last pass of a collector took, successful or not.",
    "collector",
)
AGE: Final = Series(
    "leadswitch_exporter_collector_age_seconds",
    (
        "Time since the values of a collector were read. They are not shown after three failed passes,"
        " or if they are too old."
    ),
    "collector",
)


class LatestValues(Collector):
    def __init__(self, refreshers: Sequence[Refresher]) -> None:
        self._refreshers = refreshers

    def describe(self) -> Iterable[Metric]:
        """Names are not checked for duplicates. The library would collect the values otherwise."""
        return []

    def collect(self) -> Iterator[Metric]:
        shown = [(each.row, each.show()) for each in self._refreshers]
        for row, refreshed in shown:
            if row.answers is not None:
                yield make_family(row.answers, float(refreshed.is_success))
            for series, value in (refreshed.values or {}).items():
                yield make_family(series, value)
        yield from _describe_passes({row.name: refreshed for row, refreshed in shown})


def _describe_passes(shown: dict[str, Refreshed]) -> Iterator[Metric]:
    yield make_family(SUCCESS, {name: float(each.is_success) for name, each in shown.items()})
    durations = {name: each.duration_seconds for name, each in shown.items()}
    yield make_family(DURATION, {name: value for name, value in durations.items() if value is not None})
    ages = {name: each.age_seconds for name, each in shown.items()}
    yield make_family(AGE, {name: value for name, value in ages.items() if value is not None})


def make_family(series: Series, value: Value) -> GaugeMetricFamily:
    if isinstance(value, Mapping):
        family = GaugeMetricFamily(series.name, series.help, labels=[series.label])
        for label, number in value.items():
            family.add_metric([label], number)
        return family
    return GaugeMetricFamily(series.name, series.help, value=value)

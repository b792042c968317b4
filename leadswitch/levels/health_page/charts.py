"""The charts, as columns for uPlot and as rows for the tables under them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from leadswitch.levels.health_page.bins import add_bins, find_percentile
from leadswitch.levels.health_page.links import Links
from leadswitch.levels.health_page.objective_cards import LinkedCount
from leadswitch.levels.health_page.window import DAY, HOUR, Window
from tracing.models import AttemptResult
from tracing.rollups.edges import BINS, EDGES_SECONDS
from tracing.wording import duration

# In the order in which they are stacked. The rest is rare.
STACKED: Final = {
    AttemptResult.SUCCESS: "Sold",
    AttemptResult.UNSOLD: "Not sold",
    AttemptResult.DUPLICATE: "Duplicate",
    AttemptResult.DEFERRED: "Deferred",
    AttemptResult.RETRY: "Retried",
    AttemptResult.FAILED: "Failed",
    AttemptResult.EXPIRED: "Expired",
    AttemptResult.GATED: "Gated",
    AttemptResult.OFFERED: "Offered",
}
ALWAYS: Final = (AttemptResult.SUCCESS, AttemptResult.UNSOLD, AttemptResult.FAILED)
PERCENTILES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: its name, and its cells."""

    name: str
    cells: Sequence[LinkedCount]


@dataclass(frozen=True, slots=True)
class Chart:
    """`columns`: x, then one for each label, all of one length. `x` are seconds since 1970, or places of `ticks`.

    `x_title`, `y_title`: the names of the axes.
    """

    name: str
    title: str
    kind: str
    unit: str
    x_title: str
    y_title: str
    labels: Sequence[str]
    columns: Sequence[Sequence[float | None]]
    head: Sequence[str]
    rows: Sequence[Row]
    ticks: Sequence[str] = ()
    codes: Sequence[str] = field(default_factory=tuple)

    @property
    def is_empty(self) -> bool:
        return not any(value for column in self.columns[1:] for value in column)

    def as_json(self) -> dict[str, object]:
        return {
            "kind": self.kind,
            "unit": self.unit,
            "x_title": self.x_title,
            "y_title": self.y_title,
            "labels": self.labels,
            "codes": self.codes,
            "ticks": self.ticks,
            "columns": self.columns,
        }


def make_results(window: Window, numbers: Mapping[tuple[datetime, str], int], links: Links) -> Chart:
    """Attempts by result, stacked. A result without attempts is left out, except the main ones."""
    found = {result for _, result in numbers}
    shown = [result for result in STACKED if result in ALWAYS or result.value in found]
    columns = [[numbers.get((step, result.value), 0) for step in window.steps] for result in shown]
    rows = []
    for start, end, steps in _table_steps(window):
        counts = {result: sum(numbers.get((step, result.value), 0) for step in steps) for result in shown}
        cells = [
            LinkedCount("", count, links.attempts(start, end, result__exact=result.value))
            for result, count in counts.items()
        ]
        rows.append(Row(_name(start, window), cells))
    labels = [STACKED[result] for result in shown]
    return Chart(
        name="results",
        title=f"Attempts by result, by {window.unit}",
        kind="stack",
        unit="attempts",
        x_title=f"{window.unit.capitalize()} (UTC)",
        y_title="Attempts",
        labels=labels,
        codes=[result.value for result in shown],
        columns=[_seconds(window), *columns],
        head=[_step_head(window), *labels],
        rows=_filled(rows),
    )


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Of one kind of time, in words."""

    name: str
    count: LinkedCount
    times: Sequence[str]


def make_latency(
    window: Window, bins: Mapping[datetime, Sequence[int]], links: Links
) -> tuple[Chart, Sequence[Percentiles]]:
    """Percentiles from due to decided: the chart, and the rows of its table."""
    nothing = [0] * BINS
    columns = [
        [find_percentile(bins.get(step, nothing), share) for step in window.steps]
        for share in PERCENTILES.values()
    ]
    rows = []
    for start, end, steps in _table_steps(window):
        counts = add_bins([bins.get(step, nothing) for step in steps])
        if any(counts):
            decided = LinkedCount("", sum(counts), links.attempts(start, end, above=0))
            rows.append(Percentiles(_name(start, window), decided, describe_percentiles(counts)))
    chart = Chart(
        name="latency",
        title=f"Time from due to decided, by {window.unit}",
        kind="lines",
        unit="s",
        x_title=f"{window.unit.capitalize()} (UTC)",
        y_title="Time from due to decided",
        labels=list(PERCENTILES),
        codes=list(PERCENTILES),
        columns=[_seconds(window), *columns],
        head=[_step_head(window), "Decided", *PERCENTILES],
        rows=(),
    )
    return chart, rows


def make_histogram(window: Window, counts: Sequence[int], links: Links) -> Chart:
    lower = (0.0, *EDGES_SECONDS)
    upper: tuple[float | None, ...] = (*EDGES_SECONDS, None)
    names = [_bin_name(low, high) for low, high in zip(lower, upper, strict=True)]
    rows = [
        Row(name, [LinkedCount("", number, links.attempts(window.start, window.end, above=low, most=high))])
        for name, low, high, number in zip(names, lower, upper, counts, strict=True)
    ]
    return Chart(
        name="histogram",
        title="Decisions by time from due to decided",
        kind="bars",
        unit="decisions",
        x_title="Time from due to decided",
        y_title="Decisions",
        labels=["Decisions"],
        codes=["p50"],
        ticks=[
            _edge_name(high) if high else f"> {_edge_name(low)}"
            for low, high in zip(lower, upper, strict=True)
        ],
        columns=[list(range(BINS)), list(counts)],
        head=["Time", "Decisions"],
        rows=rows,
    )


def make_expired(days: Sequence[datetime], numbers: Mapping[datetime, int], links: Links) -> Chart:
    rows = [
        Row(
            f"{day:%Y-%m-%d}",
            [LinkedCount("", numbers.get(day, 0), links.attempts(day, day + DAY, result__exact="expired"))],
        )
        for day in days
    ]
    return Chart(
        name="expired",
        title=f"Expired leads by day, last {len(days)} days",
        kind="bars",
        unit="leads",
        x_title="Day (UTC)",
        y_title="Expired leads",
        labels=["Expired"],
        codes=["expired"],
        ticks=[f"{day:%m-%d}" for day in days],
        columns=[list(range(len(days))), [numbers.get(day, 0) for day in days]],
        head=["Day", "Expired"],
        rows=_filled(rows),
    )


def describe_percentiles(counts: Sequence[int]) -> Sequence[str]:
    times = [find_percentile(counts, share) for share in PERCENTILES.values()]
    return ["-" if seconds is None else _time(seconds) for seconds in times]


def _time(seconds: float) -> str:
    over = "over " if seconds >= EDGES_SECONDS[-1] else ""
    return f"{over}{duration(1000 * seconds)}"


def _table_steps(window: Window) -> Sequence[tuple[datetime, datetime, Sequence[datetime]]]:
    """Rows of a table: the hours of a day, or days. Each with its start, its end and its steps."""
    if len(window.steps) * window.step <= DAY:
        return [(step, step + HOUR, [step]) for step in window.steps]
    days: dict[datetime, list[datetime]] = {}
    for step in window.steps:
        days.setdefault(step.replace(hour=0), []).append(step)
    return [(steps[0], steps[-1] + window.step, steps) for steps in days.values()]


def _name(start: datetime, window: Window) -> str:
    is_day = len(window.steps) * window.step > DAY
    return f"{start:%Y-%m-%d}" if is_day else f"{start:%Y-%m-%d %H}:00"


def _step_head(window: Window) -> str:
    return "Day (UTC)" if len(window.steps) * window.step > DAY else "Hour (UTC)"


def _seconds(window: Window) -> Sequence[float]:
    return [int(step.timestamp()) for step in window.steps]


def _filled(rows: Sequence[Row]) -> Sequence[Row]:
    return [row for row in rows if any(cell.number for cell in row.cells)]


def _bin_name(low: float, high: float | None) -> str:
    if high is None:
        return f"over {_edge_name(low)}"
    return f"up to {_edge_name(high)}" if not low else f"{_edge_name(low)} to {_edge_name(high)}"


def _edge_name(seconds: float) -> str:
    if seconds < 1:
        return f"{1000 * seconds:g} ms"
    return f"{seconds / 60:g} min" if seconds >= 60 else f"{seconds:g} s"

"""The charts of deliveries: columns for uPlot, drawn by the script of Health, and rows for the tables under them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from distribution.deliveries.figures import Figures, TryFigures
from tracing.wording import duration

HOUR: Final = timedelta(hours=1)
NOTHING: Final = "-"
# Each outcome with the color of Health that means the same.
OUTCOMES: Final = {"accepted": "success", "rejected": "unsold", "unknown": "failed", "not_sent": "retry"}
OUTCOME_LABELS: Final = ("Accepted", "Rejected", "Unknown", "Not sent")
TIMES: Final = ("p50", "p95")


@dataclass(frozen=True, slots=True)
class Chart:
    """`data`: what the script draws. `rows`: the same hours for the table, those without a try left out."""

    name: str
    title: str
    note: str
    head: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]]
    data: Mapping[str, object]


def list_hours(start: datetime, end: datetime) -> list[datetime]:
    """The starts of the hours, the first and the last one included."""
    first = start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return [first + HOUR * place for place in range((end - first) // HOUR + 1)]


def make_outcomes(figures: Figures) -> Chart:
    hours = list_hours(figures.start, figures.end)
    found = [figures.by_hour.get(hour, TryFigures()) for hour in hours]
    columns = [[getattr(each, name) for each in found] for name in OUTCOMES]
    rows = [
        (name_hour(hour), [f"{getattr(each, name):,}" for name in OUTCOMES])
        for hour, each in zip(hours, found, strict=True)
        if each.total
    ]
    return Chart(
        name="outcomes",
        title="Tries by outcome, by hour",
        note="The legend lists the layers from top to bottom.",
        head=["Hour (UTC)", *OUTCOME_LABELS],
        rows=rows,
        data=_data(hours, kind="stack", y_title="Tries", labels=OUTCOME_LABELS, columns=columns),
    )


def make_latency(figures: Figures) -> Chart:
    hours = list_hours(figures.start, figures.end)
    found = [figures.by_hour.get(hour, TryFigures()) for hour in hours]
    columns = [
        [None if ms is None else ms / 1000 for ms in column]
        for column in ([each.half_ms for each in found], [each.most_ms for each in found])
    ]
    rows = [
        (name_hour(hour), [describe_ms(each.half_ms), describe_ms(each.most_ms)])
        for hour, each in zip(hours, found, strict=True)
        if each.half_ms is not None
    ]
    return Chart(
        name="latency",
        title="Time of a try, by hour",
        note="",
        head=["Hour (UTC)", *TIMES],
        rows=rows,
        data=_data(hours, kind="lines", y_title="Time of a try", labels=TIMES, columns=columns),
    )


def describe_ms(ms: int | None) -> str:
    return NOTHING if ms is None else duration(ms)


def _data(
    hours: Sequence[datetime],
    *,
    kind: str,
    y_title: str,
    labels: Sequence[str],
    columns: Sequence[Sequence[float | None]],
) -> Mapping[str, object]:
    is_time = kind == "lines"
    return {
        "kind": kind,
        "unit": "s" if is_time else "tries",
        "x_title": "Hour (UTC)",
        "y_title": y_title,
        "labels": labels,
        "codes": TIMES if is_time else list(OUTCOMES.values()),
        "ticks": [],
        "columns": [[int(hour.timestamp()) for hour in hours], *columns],
    }


def name_hour(hour: datetime) -> str:
    return f"{hour:%Y-%m-%d %H:%M}"

"""Charts by hour: columns for uPlot, drawn by the script of Health, and rows for the table under each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

HOUR: Final = timedelta(hours=1)
NOTHING: Final = "-"


@dataclass(frozen=True, slots=True)
class Chart:
    """`data`: what the script draws. `rows`: the same hours for the table, those without a figure left out."""

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


def name_hour(hour: datetime) -> str:
    return f"{hour:%Y-%m-%d %H:%M}"


def make_data(
    hours: Sequence[datetime],
    *,
    kind: str,
    unit: str,
    y_title: str,
    labels: Sequence[str],
    codes: Sequence[str],
    columns: Sequence[Sequence[float | None]],
) -> Mapping[str, object]:
    """`kind`: stack or lines. `codes`: the color of Health for each column."""
    return {
        "kind": kind,
        "unit": unit,
        "x_title": "Hour (UTC)",
        "y_title": y_title,
        "labels": labels,
        "codes": codes,
        "ticks": [],
        "columns": [[int(hour.timestamp()) for hour in hours], *columns],
    }

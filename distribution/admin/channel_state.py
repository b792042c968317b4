"""What lists and pages show of channels: lines in use, and the queue of their workspace. Bounded by indexes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import DateTimeField, IntegerField, QuerySet
from django.db.models.expressions import RawSQL

from distribution.admin.hour_charts import HOUR, Chart, list_hours, make_data, name_hour
from distribution.models import Call

MAX_COUNTED: Final = 1_000
MAX_CALLS: Final = 20_000
USED: Final = RawSQL(
    "(SELECT count(*) FROM distribution_call k WHERE k.channel_id = distribution_channel.id AND k.ended_at IS NULL)",
    [],
    output_field=IntegerField(),
)
QUEUE: Final = """
    FROM distribution_verification v
    WHERE v.workspace_id = distribution_channel.workspace_id AND v.state = 'waiting'
        AND v.due_at <= statement_timestamp()
    ORDER BY v.due_at, v.id
"""
WAITING: Final = RawSQL(  # noqa: S611 - constants only
    f"(SELECT count(*) FROM (SELECT {QUEUE} LIMIT {MAX_COUNTED}) waiting)",  # noqa: S608 - constants only
    [],
    output_field=IntegerField(),
)
OLDEST: Final = RawSQL(  # noqa: S611 - constants only
    f"(SELECT v.due_at {QUEUE} LIMIT 1)",
    [],
    output_field=DateTimeField(),
)
LINE_LABELS: Final = ("Most at once", "Average")


def with_figures(channels: QuerySet[Any]) -> QuerySet[Any]:
    """`used`: its lines in use. `waiting`, at most MAX_COUNTED, and `oldest`: the queue of its workspace."""
    found: QuerySet[Any] = channels.annotate(used=USED, waiting=WAITING, oldest=OLDEST)
    return found


@dataclass(frozen=True, slots=True)
class HourOfLines:
    """`most`: lines in use at once. `average`: over the whole hour, or its part until now."""

    most: int = 0
    average: float = 0.0


@dataclass(frozen=True, slots=True)
class LineFigures:
    """`is_cut`: there were more calls than were read."""

    by_hour: dict[datetime, HourOfLines]
    calls: int
    is_cut: bool


def read_lines(channel_id: int, *, start: datetime, end: datetime, most: int = MAX_CALLS) -> LineFigures:
    """Of the newest `most` calls. One statement."""
    newest = Call.objects.filter(channel_id=channel_id).order_by("-pk").values_list("created_at", "ended_at")
    rows = list(newest[:most])
    spans = [(created, ended or end) for created, ended in rows if (ended or end) > start]
    return LineFigures(measure_lines(spans, start=start, end=end), len(spans), len(rows) == most)


def measure_lines(
    spans: Sequence[tuple[datetime, datetime]], *, start: datetime, end: datetime
) -> dict[datetime, HourOfLines]:
    """`spans`: when each line was taken and freed. Hours in which none was in use are left out."""
    found = {}
    for hour in list_hours(start, end):
        until = min(hour + HOUR, end)
        inside = [(max(a, hour), min(b, until)) for a, b in spans if a < until and b > hour]
        if inside and until > hour:
            found[hour] = HourOfLines(_find_most(inside), _average(inside, until - hour))
    return found


def _average(inside: Sequence[tuple[datetime, datetime]], length: timedelta) -> float:
    return round(sum((b - a) / length for a, b in inside), 2)


def _find_most(inside: Sequence[tuple[datetime, datetime]]) -> int:
    """A line that is freed and taken in the same instant counts once."""
    steps = sorted([(a, 1) for a, _ in inside] + [(b, -1) for _, b in inside])
    used = most = 0
    for _, step in steps:
        used += step
        most = max(most, used)
    return most


def draw_lines(by_hour: dict[datetime, HourOfLines], *, start: datetime, end: datetime, lines: int) -> Chart:
    hours = list_hours(start, end)
    found = [by_hour.get(hour, HourOfLines()) for hour in hours]
    return Chart(
        name="lines",
        title="Lines in use, by hour",
        note=f"The channel has {lines} now. A line is in use from before its call is placed until the carrier says "
        "that it has ended.",
        head=["Hour (UTC)", *LINE_LABELS],
        rows=[
            (name_hour(hour), [str(by_hour[hour].most), f"{by_hour[hour].average:.2f}"])
            for hour in hours
            if hour in by_hour
        ],
        data=make_data(
            hours,
            kind="lines",
            unit="lines",
            y_title="Lines",
            labels=LINE_LABELS,
            codes=("p95", "p50"),
            columns=[[each.most for each in found], [each.average for each in found]],
        ),
    )

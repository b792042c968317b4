"""The charts of deliveries by hour."""

from typing import Final

from distribution.admin.hour_charts import NOTHING, Chart, list_hours, make_data, name_hour
from distribution.deliveries.figures import Figures, TryFigures
from tracing.wording import duration

# Each outcome with the color of Health that means the same.
OUTCOMES: Final = {"accepted": "success", "rejected": "unsold", "unknown": "failed", "not_sent": "retry"}
OUTCOME_LABELS: Final = ("Accepted", "Rejected", "Unknown", "Not sent")
TIMES: Final = ("p50", "p95")


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
        data=make_data(
            hours,
            kind="stack",
            unit="tries",
            y_title="Tries",
            labels=OUTCOME_LABELS,
            codes=list(OUTCOMES.values()),
            columns=columns,
        ),
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
        data=make_data(
            hours,
            kind="lines",
            unit="s",
            y_title="Time of a try",
            labels=TIMES,
            codes=TIMES,
            columns=columns,
        ),
    )


def describe_ms(ms: int | None) -> str:
    return NOTHING if ms is None else duration(ms)

"""Makes the report of a run, and the files beside it: charts as SVG, and their figures as CSV."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from leadswitch.env import REPOSITORY
from tests.load import outcome
from tests.load.aims import LONG_SECONDS, measure_flatness
from tests.load.charts import draw_chart, write_csv
from tests.load.measure import (
    CREATED,
    Sent,
    measure_generator,
    measure_phases,
    measure_windows,
)
from tests.load.plan import SPIKE, Phase, phase_spans
from tests.load.product import DIRECTORY
from tests.load.sampling import Samples

WINDOW_SECONDS: Final = (5.0, 60.0)  # of a short and of a long run


@dataclass(frozen=True, slots=True)
class Course:
    """What was sent, stored and sampled. `result` is the generator's own."""

    phases: Sequence[Phase]
    result: Mapping[str, Any]
    sent: Sequence[Sent]
    leads: Sequence[outcome.Decided]
    samples: Samples

    @property
    def started_at(self) -> float:
        return float(self.result["started_at"])

    @property
    def window_seconds(self) -> float:
        return WINDOW_SECONDS[sum(phase.seconds for phase in self.phases) > LONG_SECONDS]


def describe(course: Course) -> dict[str, Any]:
    """Write the files, and return the report. The database must still run; the product need not."""
    windows = measure_windows(course.leads, started_at=course.started_at, seconds=course.window_seconds)
    _write_charts(course, windows)
    _write_figures(course, windows)
    samples = course.samples
    stored = {lead.number for lead in course.leads}
    return {
        "phases": _describe_phases(course),
        "generator": measure_generator(course.result, course.sent),
        "accepted_not_stored": sum(
            each.status == CREATED and each.arrival.number not in stored for each in course.sent
        ),
        "locks": outcome.count_lock_failures(DIRECTORY / "product.log"),
        "retried": outcome.count_retried(),
        "connections": {"peak": samples.peak_connections, "limit": samples.rows[-1].connections_limit},
        "recovery_seconds": _find_recovery(course),
        "window_seconds": course.window_seconds,
        "windows": windows,
        "memory_mb": _describe_memory(samples),
        "flatness": _describe_flatness(course, windows),
        "verify": _verify(),
    }


def _describe_phases(course: Course) -> list[dict[str, Any]]:
    phases = measure_phases(course.phases, course.sent, course.leads)
    for phase, (begin, end) in zip(phases, phase_spans(course.phases), strict=True):
        span = (course.started_at + begin, course.started_at + end)
        phase["load"] = course.samples.load_between(*span)
        phase["cpu_percent"] = course.samples.cpu_between(*span)
    return phases


def _find_recovery(course: Course) -> float | None:
    """None: the run has no spike."""
    spike = next((phase for phase in course.phases if phase.name == SPIKE), None)
    if spike is None:
        return None
    return outcome.find_recovery_seconds(course.leads, spike, course.phases, started_at=course.started_at)


def _describe_memory(samples: Samples) -> dict[str, dict[str, float]]:
    described = {}
    for kind in samples.kinds:
        values = [value for _, value in samples.memory_of(kind)]
        described[kind] = {"first": values[0], "last": values[-1], "most": max(values)}
    return described


def _describe_flatness(course: Course, windows: Sequence[Mapping[str, float]]) -> dict[str, Any] | None:
    """Of the longest phase. None: it is too short to show growth."""
    place = max(range(len(course.phases)), key=lambda each: course.phases[each].seconds)
    if course.phases[place].seconds < LONG_SECONDS:
        return None
    begin, end = phase_spans(course.phases)[place]
    within = [each["p95_ms"] for each in windows if begin <= each["begin"] < end]
    memory = {
        kind: [value for at, value in course.samples.memory_of(kind) if begin <= at - course.started_at < end]
        for kind in course.samples.kinds
    }
    return measure_flatness(within, memory)


def _write_charts(course: Course, windows: Sequence[Mapping[str, float]]) -> None:
    memory = {
        kind: [((at - course.started_at) / 60, value) for at, value in course.samples.memory_of(kind)]
        for kind in course.samples.kinds
    }
    p95 = {"p95": [(each["begin"] / 60, each["p95_ms"]) for each in windows]}
    for name, title, series, unit in (
        ("memory", "Memory by kind of process", memory, "MB"),
        ("p95", "Receipt to decision, 95th percentile", p95, "ms"),
    ):
        (DIRECTORY / f"{name}.svg").write_text(draw_chart(title, series, x_label="minutes", y_label=unit))


def _write_figures(course: Course, windows: Sequence[Mapping[str, float]]) -> None:
    kinds = course.samples.kinds
    header = ("second", "connections", "retries_due", "leads_due", "load", *(f"{kind}_mb" for kind in kinds))
    rows = [
        (
            round(row.at - course.started_at, 1),
            *(row.connections, row.retries_due, row.leads_due, row.load),
            *(round(row.memory_mb.get(kind, 0.0), 1) for kind in kinds),
        )
        for row in course.samples.rows
    ]
    (DIRECTORY / "samples.csv").write_text(write_csv(header, rows))
    columns = ("begin", "leads", "p95_ms")
    figures = [[each[column] for column in columns] for each in windows]
    (DIRECTORY / "p95.csv").write_text(write_csv(columns, figures))


def _verify() -> dict[str, Any]:
    command = [sys.executable, "manage.py", "verify", "--quiet"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    last = (done.stdout or done.stderr).strip().splitlines()[-1:]
    return {"holds": done.returncode == 0, "text": "".join(last).removeprefix("verify: ")}

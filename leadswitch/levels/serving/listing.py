"""docs/metrics.md: every series of the product, by where it is served."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from prometheus_client import REGISTRY, Metric

import leadswitch.metrics  # noqa: F401 - registers its metrics, as the web server does
from leadswitch.levels.exporter.collector import AGE, DURATION, SUCCESS
from leadswitch.levels.exporter.collectors.registry import COLLECTORS
from leadswitch.levels.serving.files import SharedFiles
from leadswitch.levels.serving.processes import ProcessUse

PREFIX: Final = "leadswitch_"
INTRODUCTION: Final = """# Metrics

`manage.py metrics --write` makes this page from what the processes register. Labels never name a lead or a buyer. Only
three series of the exporter name workspaces, and only those with the highest values.

The web server, the Celery worker, the dispatcher and Celery beat serve the first table. Each process counts what it
does, so add the series up over all processes. Every labeled counter and histogram exists at 0 from the start.
django-prometheus adds the times of requests and statements (names that begin with `django_`).

A process counts an attempt right after its commit. What it counted remains if it is killed. A SIGKILL between the
commit and the count loses the counts of that one attempt, and no others. PostgreSQL has the attempt.
"""


class Row(NamedTuple):
    name: str
    kind: str
    labels: Sequence[str]
    meaning: str


def render_page() -> str:
    parts = [
        INTRODUCTION,
        _render("Web server, worker, dispatcher and beat", list_own()),
        _render("Every endpoint", list_endpoint()),
        _render("Exporter", list_exporter()),
    ]
    return "\n".join(parts)


def list_own() -> Iterator[Row]:
    """What the modules and packages named metrics register."""
    collectors = getattr(REGISTRY, "_collector_to_names", {})
    for collector in collectors:
        for family in collector.describe() if hasattr(collector, "describe") else ():
            if family.name.startswith(PREFIX):
                yield _row(family, getattr(collector, "_labelnames", ()))


def list_endpoint() -> Iterator[Row]:
    """What an endpoint says of itself and of its processes."""
    for family in (*SharedFiles(Path("does-not-exist")).collect(), *ProcessUse().collect()):
        yield _row(family, ["kind"] if family.name.startswith(f"{PREFIX}process_") else [])


def list_exporter() -> Iterator[Row]:
    answers = [row.answers for row in COLLECTORS if row.answers is not None]
    for series in (*answers, SUCCESS, DURATION, AGE, *(each for row in COLLECTORS for each in row.series)):
        yield Row(series.name, "gauge", [series.label] if series.label else [], series.help)


def _row(family: Metric, labels: Iterable[str]) -> Row:
    name = f"{family.name}_total" if family.type == "counter" else family.name
    return Row(name, family.type, list(labels), family.documentation)


def _render(title: str, rows: Iterable[Row]) -> str:
    lines = [f"## {title}", "", "| series | type | labels | meaning |", "|---|---|---|---|"]
    lines += [
        f"| `{row.name}` | {row.kind} | {', '.join(f'`{label}`' for label in row.labels)} | {row.meaning} |"
        for row in sorted(rows)
    ]
    return "\n".join([*lines, ""])

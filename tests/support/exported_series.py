"""The series that the product's processes export, read from what they register, and the selectors of PromQL texts."""

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

import promql_parser
from django_prometheus.middleware import Metrics
from prometheus_client import REGISTRY, Metric

import leadswitch.metrics  # noqa: F401  # registers its metrics, as the web server does
from leadswitch.levels.exporter.collector import AGE, DURATION, SUCCESS
from leadswitch.levels.exporter.collectors.registry import COLLECTORS
from leadswitch.levels.serving.files import SharedFiles
from leadswitch.levels.serving.registry import make_registry

SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
# What Grafana fills in.
FILLED_IN = {"$__rate_interval": "1m", "$__interval": "1m", "$__range": "6h"}


@dataclass
class Exported:
    """Names of series, and the values that each of their labels has now. No values: they are only known at run time.

    `served`: those that have samples.
    """

    names: set[str] = field(default_factory=set)
    served: set[str] = field(default_factory=set)
    labels: dict[str, dict[str, set[str]]] = field(default_factory=dict)

    def add(self, family: Metric) -> None:
        for suffix in SUFFIXES.get(family.type, ("",)):
            self.names.add(family.name + suffix)
        for sample in family.samples:
            if sample.name.endswith("_created"):  # when the process started to count
                continue
            self.names.add(sample.name)
            self.served.add(sample.name)
            for label, value in sample.labels.items():
                self.labels.setdefault(sample.name, {}).setdefault(label, set()).add(value)


def read_own_series(directory: Path) -> Exported:
    """Of this process, as if it shared its metrics in `directory`: each kind of process registers the same metrics."""
    exported = Exported()
    Metrics.get_instance()  # registers those of requests, as the first request to the web server does
    for family in (*REGISTRY.collect(), *make_registry().collect(), *SharedFiles(directory).collect()):
        exported.add(family)
    for series in (AGE, DURATION, SUCCESS, *(each for row in COLLECTORS for each in row.series)):
        exported.names.add(series.name)
        exported.labels[series.name] = {series.label: set()} if series.label else {}
    exported.names |= {row.answers.name for row in COLLECTORS if row.answers is not None}
    return exported


def parse_promql(text: str) -> promql_parser.Expr:
    for variable, value in FILLED_IN.items():
        text = text.replace(variable, value)
    return promql_parser.parse(text)


def list_selectors(expression: promql_parser.Expr) -> list[promql_parser.VectorSelector]:
    """Every selector in a parsed text, at any depth."""
    found: list[promql_parser.VectorSelector] = []

    def visit(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.MatrixSelector):
            found.append(node.vector_selector)
        elif isinstance(node, promql_parser.VectorSelector):
            found.append(node)

    promql_parser.walk(expression, pre_visit=visit)
    return found


def find_unknown_labels(
    expression: promql_parser.Expr, exported: Exported, variables: Collection[str] = ()
) -> list[str]:
    """Labels and values that no series of these names has. A series without samples is not checked."""
    problems = []
    for selector in list_selectors(expression):
        labels = exported.labels.get(str(selector.name))
        if labels is None:
            continue
        problems += [
            f"{selector.name} has no label {label}"
            for label in list_grouping_labels(expression)
            if label not in labels
        ]
        for matcher in selector.matchers.matchers:
            wanted, known = set(matcher.value.split("|")) - {""}, labels.get(matcher.name)
            is_variable = matcher.value == f"${matcher.name}" and matcher.name in variables
            if known is None or (known and not is_variable and wanted - known):
                problems.append(f"{selector.name} has no {matcher.name} {matcher.value}")
    return problems


def list_grouping_labels(expression: promql_parser.Expr) -> set[str]:
    """The labels of every `by` in a parsed text."""
    found: set[str] = set()

    def visit(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier is not None:
            found.update(node.modifier.labels)

    promql_parser.walk(expression, pre_visit=visit)
    return found

"""Metrics: every series that can occur is declared and exists from the start, and every gauge states its mode."""

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from django.conf import settings
from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

import distribution.metrics
import leadswitch.metrics
import tracing.metrics
from leadswitch.probes import ProbedParts
from routing.leads.attempt_log import LockOutcome
from routing.leads.decision_metrics import DecisionOutcome
from routing.metrics import dispatch, intake, leader, leads, postgres, reconcilers
from routing.models import DispatchMode, DispatchPath
from routing.models.rule_triggers import MAX_HOPS
from tests.support.declared_series import declared_rows, is_ours, undeclared
from tracing.models import AttemptResult
from tracing.series import DECLARED
from tracing.skip_reasons import SKIP_REASONS, Level

REPOSITORY = Path(__file__).resolve().parents[2]
APPS = ("leadswitch", "distribution", "routing", "tracing")
ROUTING = (dispatch, intake, leader, leads, postgres, reconcilers)
MODULES = (leadswitch.metrics, distribution.metrics, *ROUTING, tracing.metrics)


def own_metrics() -> dict[str, MetricWrapperBase]:
    return {
        f"{module.__name__}.{name}": value
        for module in MODULES
        for name, value in vars(module).items()
        if isinstance(value, MetricWrapperBase)
    }


def values_of(metric: MetricWrapperBase, label: str) -> set[str]:
    return {row[label] for row in declared_rows(metric)}


def test_every_metric_with_labels_declares_its_series() -> None:
    declared = [each.metric for each in DECLARED]
    missing = [
        name for name, metric in own_metrics().items() if metric._labelnames and metric not in declared
    ]
    assert missing == []


def test_every_declared_counter_and_histogram_exists_at_zero() -> None:
    for series in DECLARED:
        if not isinstance(series.metric, Gauge):
            for labels in series.labels:
                key = tuple(labels[name] for name in series.metric._labelnames)
                assert key in series.metric._metrics, (series.metric, labels)


def test_attempts_have_a_series_for_each_result_and_lead_level_reason() -> None:
    rows = {(row["result"], row["skip_reason"]) for row in declared_rows(tracing.metrics.ATTEMPTS)}
    assert {reason for _, reason in rows} == {""} | {
        code for code, reason in SKIP_REASONS.items() if Level.LEAD in reason.levels
    }
    assert {result for result, _ in rows} == set(AttemptResult)


def test_label_values_are_those_of_the_vocabulary() -> None:
    assert values_of(leads.LEADS_DECIDED, "outcome") == set(DecisionOutcome)
    assert values_of(leads.LEAD_LOCK_SECONDS, "outcome") == set(LockOutcome)
    assert values_of(reconcilers.RECONCILER_REPAIRS, "reconciler") == set(settings.LEADSWITCH_RECONCILERS)
    assert values_of(intake.REQUESTS_REFUSED, "kind") == set(settings.LEADSWITCH_RATE_LIMITS)
    assert values_of(leads.LEADS_ROUTED, "hops") == {str(hops) for hops in range(1, MAX_HOPS + 1)}
    assert values_of(leader.DISPATCHER_LEADING, "path") == set(DispatchPath)
    assert values_of(distribution.metrics.START_LAG_SECONDS, "mode") == set(DispatchMode)
    assert values_of(leadswitch.metrics.PART_OK, "part") == {each.name for each in fields(ProbedParts)}


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def test_every_gauge_states_what_it_means_for_several_processes() -> None:
    """The default adds a label with the process id, and keeps the values of processes that ended."""
    silent = [
        f"{path.relative_to(REPOSITORY)}:{call.lineno}"
        for app in APPS
        for path in (REPOSITORY / app).rglob("*.py")
        if "prometheus_client" in path.read_text()  # dashboards have widgets of this name
        for call in calls(ast.parse(path.read_text()))
        if isinstance(call.func, ast.Name)
        and call.func.id == "Gauge"
        and "multiprocess_mode" not in {each.arg for each in call.keywords}
    ]
    assert silent == []


def test_a_histogram_of_a_delay_has_the_edges_of_the_objectives() -> None:
    for metric in (
        distribution.metrics.DECISION_SECONDS,
        distribution.metrics.START_LAG_SECONDS,
        leads.DUE_TO_DECISION_SECONDS,
        leads.RECEIPT_TO_DECISION_SECONDS,
    ):
        assert {0.5, 2.0, 5.0} <= set(metric._upper_bounds)


def test_undeclared_series_is_found() -> None:
    metric = Counter("leadswitch_test_things_total", "Things.", ["kind"], registry=None)
    metric.labels(kind="new").inc()
    assert undeclared(metric) == {("new",)}


@pytest.mark.parametrize("kind", [Counter, Gauge, Histogram])
def test_own_metrics_are_registered(kind: type[MetricWrapperBase]) -> None:
    """A metric without the default registry would never be scraped."""
    registered = set(REGISTRY._collector_to_names)
    ours = [metric for metric in own_metrics().values() if isinstance(metric, kind)]
    assert ours
    assert all(metric in registered and is_ours(metric) for metric in ours)


NAMED_SERIES = re.compile(r"`(leadswitch_[a-z_]+?)(?:_bucket|_sum|_count)?(?:\{[^}`]*\})?`")


def test_documents_name_only_series_that_are_served() -> None:
    """docs/metrics.md is made from the metrics themselves."""
    listed = set(NAMED_SERIES.findall((REPOSITORY / "docs" / "metrics.md").read_text()))
    pages = [REPOSITORY / "README.md", *(REPOSITORY / "docs").rglob("*.md")]
    named = {name for page in pages for name in NAMED_SERIES.findall(page.read_text())}
    assert "leadswitch_inflight_leases_lost_total" in named
    assert named - listed == set()

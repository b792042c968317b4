"""Boards, monitors, rules and the figures of a rollout against scrapes of the product's own processes."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, Final

import pytest
from django.urls import Resolver404, resolve

from leadswitch.env import REPOSITORY
from leadswitch.levels.alerts.alert import Job
from leadswitch.levels.alerts.files import Links, make_rules
from leadswitch.levels.alerts.rows import ALERTS
from leadswitch.levels.dashboards.boards.registry import BOARDS
from leadswitch.levels.dashboards.datadog import make_datadog_dashboard
from leadswitch.levels.dashboards.grafana import make_dashboard
from leadswitch.levels.monitors.monitor import Contacts, make_monitors
from tests.support.agent_view import AgentView
from tests.support.exported_series import (
    Exported,
    find_unknown_labels,
    list_selectors,
    parse_promql,
)
from tests.support.live_product import RECONCILERS, VISITED, Live, read_live_product
from tests.support.scrapes import Scrape

# Series that exist only after an event, and those that Prometheus makes itself.
AFTER_AN_EVENT: Final = {
    "django_db_errors_total": "PostgreSQL refused a statement",
    "django_db_new_connection_errors_total": "PostgreSQL refused a connection",
    "leadswitch_enqueue_retry_buffer": "Redis refused a lead",
    "leadswitch_last_dial_age_seconds": "a call was placed",
}
OF_PROMETHEUS: Final = {"up"}
RECORDED: Final = ("slo:", "calls:")
TEMPLATE_QUERY: Final = re.compile(r"query `([^`]+)`")
ROLLOUT: Final = REPOSITORY / "docs" / "dispatch-rollout.md"
QUERIES: Final = re.compile(r"```promql\n(.*?)```", re.DOTALL)
SERIES: Final = re.compile(r"\bleadswitch_\w+")
OF_NO_PAGE: Final = "<unnamed view>"


@pytest.fixture(scope="module")
def live(
    committing_once: Callable[[], AbstractContextManager[None]], tmp_path_factory: pytest.TempPathFactory
) -> Live:
    with committing_once():
        return read_live_product(tmp_path_factory.mktemp("live"))


def test_every_name_label_and_value_is_served_by_a_process(live: Live) -> None:
    assert set(live.scrapes) == set(Job)
    texts = {**list_panels(), **list_rules()}
    unknown = [f"{place}: {text}" for place, text in find_unknown(texts, live.exported)]
    assert unknown == []
    assert list(find_unknown_in_datadog(live.agent)) == []
    assert list(find_blind_alerts(live.scrapes)) == []


def test_every_figure_of_a_rollout_is_served(live: Live) -> None:
    """The page has a query for each series that its phases name."""
    page = ROLLOUT.read_text()
    [block] = QUERIES.findall(page)
    queries = {line: line for line in block.splitlines() if not line.startswith("#")}
    assert set(SERIES.findall(page.replace(block, ""))) == {
        name.removesuffix("_bucket") for name in SERIES.findall("\n".join(queries))
    }
    assert [f"{place}: {problem}" for place, problem in find_unknown(queries, live.exported)] == []


def test_figures_of_a_rollout_show_what_the_product_does(live: Live) -> None:
    worker, dispatcher = live.scrapes[Job.WORKER], live.scrapes[Job.DISPATCHER]
    assert dispatcher.total("leadswitch_dispatcher_leading", path="redis") == 1
    for name in RECONCILERS:
        last_run_at = worker.total("leadswitch_reconciler_last_run_timestamp_seconds", reconciler=name)
        assert last_run_at > live.began_at
    assert worker.total("leadswitch_shadow_compared_total", result="missing") >= 1
    assert worker.total("leadswitch_start_lag_seconds_bucket", mode="event", le="300.0") >= 1
    assert worker.total("leadswitch_leads_given_up_total") == 0


@pytest.mark.parametrize("job", Job)
def test_every_process_exports_cpu_memory_and_open_files(live: Live, job: Job) -> None:
    kind = job.removeprefix("leadswitch-")
    for series, least in (
        ("leadswitch_process_cpu_seconds_total", 0.1),
        ("leadswitch_process_resident_memory_bytes", 2**24),
        ("leadswitch_process_open_files", 3),
    ):
        [(labels, value)] = live.scrapes[job].values(series).items()
        assert labels == (("kind", kind),)
        assert value > least


def test_requests_are_counted_by_view_and_never_by_path(live: Live) -> None:
    counted = live.scrapes[Job.WEB].values("django_http_requests_latency_seconds_by_view_method_count")
    views = {name_view(path) for path in (*VISITED, "/metrics")}
    assert {dict(labels)["view"] for labels in counted} <= views
    assert {dict(labels)["method"] for labels in counted} == {"GET"}
    assert views - {"metrics"} <= {dict(labels)["view"] for labels in counted}
    assert OF_NO_PAGE in views


def name_view(path: str) -> str:
    try:
        return resolve(path).view_name
    except Resolver404:
        return OF_NO_PAGE


def list_panels() -> dict[str, str]:
    return {
        f"{board.uid} {panel['title']} {target['refId']}": target["expr"]
        for board in BOARDS
        for panel in make_dashboard(board)["panels"]
        for target in panel.get("targets", ())
    }


def list_rules() -> dict[str, str]:
    """Recorded series, alerts, and the queries in their texts."""
    rules = [rule for group in make_rules(Links())["groups"] for rule in group["rules"]]
    texts = {f"rule {place} {name_of(rule)}": rule["expr"] for place, rule in enumerate(rules)}
    for place, rule in enumerate(rules):
        summary = rule.get("annotations", {}).get("summary", "")
        texts |= {
            f"text {place}.{number} {name_of(rule)}": text
            for number, text in enumerate(TEMPLATE_QUERY.findall(summary))
        }
    return texts


def name_of(rule: Mapping[str, Any]) -> str:
    return str(rule.get("alert") or rule["record"])


def find_unknown(texts: Mapping[str, str], exported: Exported) -> Iterator[tuple[str, str]]:
    """Series without samples, labels and values, with the place of the query."""
    variables = {variable.label for board in BOARDS for variable in board.variables}
    for place, text in texts.items():
        expression = parse_promql(text)
        for name in {str(selector.name) for selector in list_selectors(expression)}:
            if name.startswith(RECORDED) or name in OF_PROMETHEUS | AFTER_AN_EVENT.keys():
                continue
            if name not in exported.served:
                yield place, f"{name} has no samples"
        yield from ((place, problem) for problem in find_unknown_labels(expression, exported, variables))


def find_unknown_in_datadog(agent: AgentView) -> Iterator[str]:
    dashboards = [
        query["query"]
        for board in BOARDS
        for group in make_datadog_dashboard(board)["widgets"]
        for widget in group["definition"]["widgets"]
        for request in widget["definition"]["requests"]
        for query in request["queries"]
    ]
    monitors = [each["query"] for each in make_monitors(Contacts()) if each["type"] == "query alert"]
    after_an_event = {name.removeprefix("leadswitch_").removesuffix("_total") for name in AFTER_AN_EVENT}
    for text in (*dashboards, *monitors):
        if not any(f"leadswitch.{name}" in text for name in after_an_event):
            yield from agent.find_problems(text)


def find_blind_alerts(scrapes: Mapping[Job, Scrape]) -> Iterator[str]:
    """Alerts that are silent without a job, although that job serves nothing that they read."""
    for alert in ALERTS:
        if alert.reads:
            exported = Exported()
            for family in scrapes[Job(alert.reads)].families.values():
                exported.add(family)
            names = {str(selector.name) for selector in list_selectors(parse_promql(alert.expression))}
            if not names & exported.served:
                yield f"{alert.name} reads nothing of {alert.reads}"

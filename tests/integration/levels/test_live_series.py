"""Boards, monitors and rules against scrapes of the product's own processes: each name, label and value exists."""

import re
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from leadswitch.levels.alerts.alert import Job
from leadswitch.levels.alerts.files import Links, make_rules
from leadswitch.levels.alerts.rows import ALERTS
from leadswitch.levels.dashboards.boards.registry import BOARDS
from leadswitch.levels.dashboards.datadog import make_datadog_dashboard
from leadswitch.levels.dashboards.datadog_agent import make_agent_file
from leadswitch.levels.dashboards.grafana import make_dashboard
from leadswitch.levels.monitors.monitor import Contacts, make_monitors
from tests.support.agent_view import AgentView
from tests.support.attempts import add_attempt
from tests.support.exported_series import (
    Exported,
    find_unknown_labels,
    list_selectors,
    parse_promql,
)
from tests.support.factories import LeadFactory, SourceFactory
from tests.support.ports import free_port
from tests.support.processes import WORKER, beat, celery, dispatcher, started
from tests.support.scrapes import Scrape, scrape, wait_until_served
from tests.support.served import served
from tests.support.waiting import wait_until

TOKEN: Final = "a-metrics-token-of-more-than-32-characters"
# Series that exist only after an event, and those that Prometheus makes itself.
AFTER_AN_EVENT: Final = {
    "django_db_errors_total": "PostgreSQL refused a statement",
    "django_db_new_connection_errors_total": "PostgreSQL refused a connection",
    "leadswitch_enqueue_retry_buffer": "Redis refused a lead",
}
OF_PROMETHEUS: Final = {"up"}
RECORDED: Final = "slo:"
TEMPLATE_QUERY: Final = re.compile(r"query `([^`]+)`")


@dataclass(frozen=True, slots=True)
class Live:
    """A scrape of each job, and what Prometheus and the Datadog Agent make of them."""

    scrapes: Mapping[Job, Scrape]
    exported: Exported
    agent: AgentView


def add_rows() -> None:
    """A due retry, a failure and a duplicate: the series that name workspaces have samples then."""
    source, now = SourceFactory(), datetime.now(UTC)
    LeadFactory(source=source, next_attempt_at=now - timedelta(seconds=60), attempts=1)
    for result in ("duplicate", "failed", "success"):
        add_attempt(now - timedelta(minutes=2), workspace_id=source.workspace_id, result=result)


def start(stack: ExitStack, directory: Path) -> Iterator[tuple[Job, Scrape]]:
    """Each process as in docker-compose.yml. The exporter is read first, before a worker takes the retry."""
    ports = {job: free_port() for job in Job}
    places = {"LEADSWITCH_VAR_DIR": str(directory)}
    stack.enter_context(
        started(
            "manage.py",
            "exporter",
            output=stack.enter_context((directory / "exporter.log").open("w")),
            LEADSWITCH_ROLE="exporter",
            LEADSWITCH_EXPORTER_PORT=str(ports[Job.EXPORTER]),
            **places,
        )
    )
    wait_until_served(ports[Job.EXPORTER])
    yield Job.EXPORTER, scrape(ports[Job.EXPORTER])
    worker, leader = (str(ports[job]) for job in (Job.WORKER, Job.DISPATCHER))
    stack.enter_context(celery(directory, *WORKER, LEADSWITCH_WORKER_METRICS_PORT=worker, **places))
    stack.enter_context(dispatcher(directory, LEADSWITCH_DISPATCHER_METRICS_PORT=leader, **places))
    periods = {"LEADSWITCH_ROLLUPS_PERIOD_SECONDS": "1"}
    stack.enter_context(
        beat(directory, LEADSWITCH_BEAT_METRICS_PORT=str(ports[Job.BEAT]), **places, **periods)
    )
    for job in (Job.WORKER, Job.DISPATCHER, Job.BEAT):
        wait_until_served(ports[job])
    wait_until(
        lambda: has_led(ports[Job.DISPATCHER]), what="a dispatcher that leads and a canary that returned"
    )
    for job in (Job.WORKER, Job.DISPATCHER, Job.BEAT):
        yield job, scrape(ports[job])
    files = directory / "web-metrics"
    files.mkdir()
    web = {"PROMETHEUS_MULTIPROC_DIR": str(files), "LEADSWITCH_METRICS_TOKEN": TOKEN}
    yield Job.WEB, read_web(stack.enter_context(served(**web, **places)))


def has_led(port: int) -> bool:
    """Gauges of the leader exist once it has set them. The age of the canary is the last, since a worker returns it."""
    return bool(scrape(port).values("leadswitch_canary_age_seconds"))


def has_reconciled(port: int) -> bool:
    return bool(scrape(port).values("leadswitch_reconciler_found"))


def read_web(address: str) -> Scrape:
    request = urllib.request.Request(  # noqa: S310 - the address is this test's
        f"{address}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return Scrape(answer.read().decode())


@pytest.fixture
def live(committed_db: None, tmp_path: Path) -> Live:  # noqa: ARG001
    add_rows()
    with ExitStack() as stack:
        scrapes = dict(start(stack, tmp_path))
    exported, agent = Exported(), AgentView()
    for instance in yaml.safe_load(make_agent_file())["instances"]:
        (tag,) = instance["tags"]
        families = scrapes[Job(tag.removeprefix("job:"))].families.values()
        agent.add(families, instance)
        for family in families:
            exported.add(family)
    return Live(scrapes, exported, agent)


def test_every_name_label_and_value_is_served_by_a_process(live: Live) -> None:
    assert list(live.scrapes) == [Job.EXPORTER, Job.WORKER, Job.DISPATCHER, Job.BEAT, Job.WEB]
    texts = {**list_panels(), **list_rules()}
    unknown = [f"{place}: {text}" for place, text in find_unknown(texts, live.exported)]
    assert unknown == []
    assert list(find_unknown_in_datadog(live.agent)) == []
    assert list(find_blind_alerts(live.scrapes)) == []


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

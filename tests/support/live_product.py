"""A scrape of each kind of process of a product that has something to count."""

import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.error import HTTPError

from distribution.models import DeliveryTry
from leadswitch.levels.alerts.alert import Job
from leadswitch.levels.dashboards.datadog_agent import make_template
from tests.support.agent_view import AgentView
from tests.support.attempts import add_attempt
from tests.support.exported_series import Exported
from tests.support.exporter_programs import exporter
from tests.support.factories import DeliveryFactory, LeadFactory, SourceFactory
from tests.support.scrapes import Endpoint, Scrape, local_endpoint
from tests.support.waiting import wait_until
from tests.support.whole_product import engine, wait_until_led, web

# Reconcilers that a rollout of the dispatch depends on.
RECONCILERS: Final = ("schedule", "inflight", "workspace_pauses")
PERIODS: Final = {
    **{f"LEADSWITCH_{name.upper()}_PERIOD_SECONDS": "1" for name in RECONCILERS},
    "LEADSWITCH_PICKUP_PERIOD_SECONDS": "1",
}
# What the web server is asked for. The last two paths belong to no page.
VISITED: Final = ("/healthz", "/readyz", "/admin/login/", "/api/v1/leads/", "/api/none/1", "/none/1")


@dataclass(frozen=True, slots=True)
class Live:
    """A scrape of each job, and what Prometheus and the Datadog Agent make of them. `began_at`: seconds since 1970."""

    began_at: float
    scrapes: Mapping[Job, Scrape]
    exported: Exported
    agent: AgentView


def read_live_product(directory: Path) -> Live:
    """Needs committed rows."""
    began_at = datetime.now(UTC).timestamp()
    add_rows()
    with ExitStack() as stack:
        scrapes = dict(start(stack, directory))
    exported, agent = Exported(), AgentView()
    for job in Job:
        (instance,) = make_template(job)["instances"]
        families = scrapes[job].families.values()
        agent.add(families, instance)
        for family in families:
            exported.add(family)
    return Live(began_at, scrapes, exported, agent)


def add_rows() -> None:
    """A due lead in each dispatch mode, one of them a retry, attempts, and a try: all series have samples then."""
    now = datetime.now(UTC)
    for mode, attempts in (("poll", 1), ("shadow", 0), ("event", 0)):
        source = SourceFactory(workspace__dispatch_mode=mode)
        LeadFactory(source=source, next_attempt_at=now - timedelta(seconds=60), attempts=attempts)
    for result in ("duplicate", "failed", "success"):
        add_attempt(now - timedelta(minutes=2), workspace_id=source.workspace_id, result=result)
    delivery = DeliveryFactory(state="accepted", tries=1, next_try_at=None, ended_at=now)
    DeliveryTry.objects.create(
        delivery=delivery, number=1, started_at=now, finished_at=now, outcome="accepted"
    )


def start(stack: ExitStack, directory: Path) -> Iterator[tuple[Job, Scrape]]:
    """Start each process. The exporter is read first, before a worker takes the retry."""
    yield Job.EXPORTER, local_endpoint(stack.enter_context(exporter(directory)).port).scrape()
    endpoints = stack.enter_context(engine(directory, **PERIODS))
    wait_until_led(endpoints[Job.DISPATCHER])
    wait_until(lambda: has_worked(endpoints[Job.WORKER]), what="reconcilers and leads in every mode")
    for job, endpoint in endpoints.items():
        yield job, endpoint.scrape()
    site = stack.enter_context(web(directory))
    for path in VISITED:
        visit(site, path)
    yield Job.WEB, site.scrape()


def has_worked(worker: Endpoint) -> bool:
    """The gauges of a reconciler exist after its first run."""
    found = worker.scrape()
    ran = found.values("leadswitch_reconciler_last_run_timestamp_seconds")
    return {(("reconciler", name),) for name in RECONCILERS} <= ran.keys() and all(
        found.total(name, **labels) > 0
        for name, labels in (
            ("leadswitch_start_lag_seconds_count", {"mode": "poll"}),
            ("leadswitch_start_lag_seconds_count", {"mode": "event"}),
            ("leadswitch_shadow_compared_total", {}),
        )
    )


def visit(site: Endpoint, path: str) -> None:
    """Any answer counts, also a refusal."""
    with suppress(HTTPError), urllib.request.urlopen(f"{site.address}{path}", timeout=30):  # noqa: S310 - of a test
        pass

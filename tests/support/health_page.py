"""Fills and reads the page "Health" and the lists behind its figures."""

from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from leadswitch.levels.health_page.page import Health
from routing.models import Lead, Workspace
from tests.support.attempts import add_attempt
from tests.support.factories import LeadFactory, SourceFactory, WorkspaceFactory
from tracing.reconcile import rollups
from tracing.rollups.edges import EDGES_SECONDS

URL = "/admin/health/"


def fill_workspaces() -> list[Workspace]:
    """Two workspaces with attempts of many kinds, the oldest 20 days ago."""
    first, second = WorkspaceFactory.create(name="First"), WorkspaceFactory.create(name="Second")
    now = timezone.now()
    for place, edge in enumerate(EDGES_SECONDS):
        add_attempt(
            now - timedelta(minutes=place), workspace_id=first.pk, due_seconds=edge, received_seconds=edge
        )
    for days in (0, 3, 20):
        at = now - timedelta(days=days)
        for each in (first, second):
            add_attempt(
                at, workspace_id=each.pk, result="duplicate", skip_reason="duplicate_lead", due_seconds=3
            )
            add_attempt(at, workspace_id=each.pk, result="unsold", skip_reason="no_campaign", due_seconds=61)
            add_attempt(
                at, workspace_id=each.pk, result="failed", skip_reason="internal_error", due_seconds=61
            )
            add_attempt(
                at, workspace_id=each.pk, result="failed", skip_reason="internal_error", due_seconds=1
            )
            add_attempt(at, workspace_id=each.pk, result="failed", skip_reason="worker_lost", due_seconds=1)
            add_attempt(at, workspace_id=each.pk, result="expired", skip_reason="lead_expired")
            add_attempt(
                at, workspace_id=each.pk, result="retry", skip_reason="database_timeout", transient=True
            )
            add_attempt(
                at, workspace_id=each.pk, result="deferred", skip_reason="all_buyers_capped", due_seconds=400
            )
    source = SourceFactory(workspace=first)
    for seconds in (-600, 30, 90):
        due_at = now - timedelta(seconds=seconds)
        LeadFactory(source=source, next_attempt_at=due_at)
        LeadFactory(source=source, next_attempt_at=due_at, attempts=2, skip_reason="database_timeout")
    lock(LeadFactory(source=source), ago=timedelta(days=1))
    lock(LeadFactory(source=source), ago=timedelta(seconds=1))
    rollups.run(fix=True, limit=1_000)
    return [first, second]


def lock(lead: Lead, *, ago: timedelta) -> None:
    Lead.objects.filter(pk=lead.pk).update(
        status="calling", next_attempt_at=None, locked_by="verifier", locked_at=timezone.now() - ago
    )


def read_health(client: Client, **query: Any) -> Health:
    answer = client.get(URL, query)
    assert answer.status_code == 200
    health: Health = answer.context_data["health"]  # type: ignore[attr-defined]
    return health


def count_listed(client: Client, url: str) -> int:
    """The rows of a list on all its pages."""
    answer = client.get(url)
    assert answer.status_code == 200
    page: Any = answer.context_data["cl"]  # type: ignore[attr-defined]
    more = count_listed(client, f"{url.partition('?')[0]}{page.older_url}") if page.older_url else 0
    return len(page.result_list) + more

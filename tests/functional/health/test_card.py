"""The card "Health" on the home page of the admin: one line, of the user's workspaces only."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from leadswitch.levels.health_page.card import HealthCard, read_health_card
from routing.models import Workspace
from tests.support import switches
from tests.support.admin_pages import client_of, person
from tests.support.attempts import add_attempt
from tracing.reconcile import rollups

pytestmark = pytest.mark.usefixtures("committed_db", "redis_client")


def line(client: Client) -> str:
    """Blank: the home page has no such card."""
    found = re.search(r'<p data-testid="health-card">(.*?)</p>', client.get("/admin/").content.decode(), re.S)
    return re.sub(r"<[^>]+>", "", found[1]) if found else ""


def test_card_shows_the_state_of_the_users_workspaces(root: Client, workspaces: list[Workspace]) -> None:
    missed = "2 objectives missed: Availability, Latency."
    operator = client_of(person("operator", workspaces[1]))
    assert line(root) == f"{missed} Due retries: 2. Nothing is paused."
    assert line(operator) == f"{missed} Due retries: 0. Nothing is paused."
    switches.pause_workspace(workspaces[0].pk, at=timezone.now(), actor="ann", reason="a doubt")
    assert line(root).endswith("1 workspace is paused.")
    assert line(operator).endswith("Nothing is paused.")
    switches.pause_product(at=timezone.now(), actor="ann", reason="a doubt")
    assert line(root).endswith("The product is paused. 1 workspace is paused.")
    assert line(operator).endswith("The product is paused.")


def test_objectives_are_met_without_decisions(root: Client) -> None:
    assert line(root) == "All 3 objectives are met. Due retries: 0. Nothing is paused."


def test_card_links_to_the_page_and_the_due_retries(root: Client, workspaces: list[Workspace]) -> None:
    assert len(workspaces) == 2
    text = root.get("/admin/").content.decode()
    [card] = re.findall(r'<p data-testid="health-card">.*?</p>', text, re.S)
    assert re.findall(r'href="([^"]+)"', card) == ["/admin/health/", "/admin/routing/retryinglead/?due=now"]


def test_card_needs_a_workspace_and_the_permission_of_the_page(workspaces: list[Workspace]) -> None:
    assert line(client_of(person("viewer", workspaces[0]))) != ""
    assert line(client_of(User.objects.create_user("guest", is_staff=True))) == ""
    assert line(client_of(person("operator"))) == ""


def test_card_takes_five_statements(workspaces: list[Workspace]) -> None:
    def read() -> tuple[HealthCard, int]:
        with CaptureQueriesContext(connection) as queries:
            card = read_health_card([workspaces[0].pk], at=timezone.now())
        return card, len(queries)

    assert read()[1] == 5
    for hours in range(48):
        add_attempt(timezone.now() - timedelta(hours=hours), workspace_id=workspaces[0].pk)
    rollups.run(fix=True, limit=1_000)
    assert read()[1] == 5

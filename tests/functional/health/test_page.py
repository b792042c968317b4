"""The page "Health": its figures, the lists behind them, who sees what, and what it costs."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from leadswitch.levels.health_page.objective_cards import LinkedCount
from leadswitch.levels.health_page.rollup_reads import Uncounted, count_uncounted
from leadswitch.levels.health_page.window import make_window
from routing.models import Workspace
from tests.support.admin_pages import client_of, person
from tests.support.attempts import add_attempt
from tests.support.factories import WorkspaceFactory
from tests.support.health_page import URL, count_listed, read_health
from tracing.reconcile import rollups

pytestmark = pytest.mark.usefixtures("committed_db", "redis_client")
# Figures that link to no list, and why.
WITHOUT_LIST = {
    "Receipt to first decision": "an attempt does not record that it was the first decision of its lead",
}


def figures(part: Any) -> Iterator[LinkedCount]:
    """All figures of the page, or of a part of it."""
    if isinstance(part, LinkedCount):
        yield part
    elif is_dataclass(part):
        for each in fields(part):
            yield from figures(getattr(part, each.name))
    elif isinstance(part, list | tuple):
        for each in part:
            yield from figures(each)
    elif isinstance(part, dict):
        yield from figures(list(part.values()))


@pytest.mark.parametrize("window", ["24h", "7d", "30d"])
@pytest.mark.parametrize("who", ["root", "operator", "chosen"])
def test_each_list_has_exactly_the_rows_that_its_figure_counts(
    root: Client, workspaces: list[Workspace], who: str, window: str
) -> None:
    client = client_of(person("operator", workspaces[0])) if who == "operator" else root
    query = {"workspace": str(workspaces[1].pk)} if who == "chosen" else {}

    checked = 0
    for figure in figures(read_health(client, window=window, **query)):
        if figure.number and figure.label not in WITHOUT_LIST:
            assert count_listed(client, figure.url) == figure.number, figure
            checked += 1
    assert checked > 10


@pytest.mark.usefixtures("workspaces")
def test_objectives_count_each_bad_lead_once(root: Client) -> None:
    """An attempt that failed and was late is bad once."""
    availability, latency, retries = read_health(root).cards
    decided, failed, late, undecided = (figure.number for figure in availability.figures)
    assert (decided, failed, late, undecided) == (14 + 3 * 2 * 7, 18, 1 + 3 * 2 * 3, 2)
    both = 6
    assert availability.budget_left == pytest.approx(1 - (18 + 19 - both + 2) / (56 + 2) / 0.001)
    assert (availability.tone, availability.headline, availability.verdict) == (
        "bad",
        "Budget spent",
        "Missed",
    )
    slow = 5 + 3 * 2 * 4
    assert [figure.number for figure in latency.figures] == [14 + 3 * 2 * 6, slow, 4]
    assert latency.measured == f"{1 - (slow + 4) / (50 + 4):.2%}"
    assert (retries.measured, retries.tone) == ("2", "good")


@pytest.mark.usefixtures("workspaces")
def test_what_is_so_now(root: Client) -> None:
    health = read_health(root)
    assert [(row.name, row.figure.number) for row in health.retries] == [("First", 2)]
    assert health.stale_locks.number == 1
    assert health.lag_display.startswith("1 min 3")
    assert [(row.name, row.figure.number, row.share) for row in health.duplicates] == [
        ("First", 1, 100),
        ("Second", 1, 100),
    ]
    assert health.current.workers == 0


def test_operator_sees_own_workspaces_only(root: Client, workspaces: list[Workspace]) -> None:
    client = client_of(person("operator", workspaces[1]))
    assert client.get(URL, {"workspace": str(workspaces[0].pk)}).status_code == 404
    text = client.get(URL).content.decode()
    assert "Second" in text
    assert "First" not in text
    assert "Workers alive" not in text
    assert read_health(client).cards[0].figures[0].number == 3 * 7
    assert read_health(root, workspace=str(workspaces[1].pk)).cards[0].figures[0].number == 3 * 7
    assert "Workers alive" in root.get(URL).content.decode()


@pytest.mark.parametrize("workspace", ["0", "x", "99999999"])
def test_unknown_workspace_is_not_found(root: Client, workspace: str) -> None:
    assert root.get(URL, {"workspace": workspace}).status_code == 404


def test_page_needs_the_permission_to_view_workspaces(workspaces: list[Workspace]) -> None:
    client = client_of(User.objects.create_user("guest", is_staff=True))
    assert client.get(URL).status_code == 403
    assert "Health" not in client.get("/admin/").content.decode()
    assert Client().get(URL).status_code == 302
    assert ">Health</a>" in client_of(person("viewer", workspaces[0])).get("/admin/").content.decode()


def test_empty_page_says_what_to_do(root: Client) -> None:
    assert "You are not a member of any workspace yet" in root.get(URL).content.decode()
    WorkspaceFactory()
    text = root.get(URL).content.decode()
    assert "No lead was tried in the last 24 hours. Attempts appear here within a minute." in text
    assert "No decisions yet" in text


def test_attempts_that_are_not_counted_yet_are_announced(root: Client, workspaces: list[Workspace]) -> None:
    def announced(client: Client, **query: str) -> str:
        return read_health(client, **query).uncounted_display

    first, second = workspaces
    operator = client_of(person("operator", second))
    add_attempt(timezone.now(), workspace_id=first.pk)
    assert "1 attempt of the last minutes is not counted yet." in root.get(URL).content.decode()
    assert (announced(operator), announced(root, workspace=str(second.pk))) == ("", "")
    assert "not counted yet" not in operator.get(URL).content.decode()
    for _ in range(2):
        add_attempt(timezone.now(), workspace_id=second.pk)
    assert (announced(root), announced(operator)) == ("3 attempts", "2 attempts")


def test_attempts_that_are_not_counted_yet_are_counted_up_to_a_limit(workspaces: list[Workspace]) -> None:
    for _ in range(3):
        add_attempt(timezone.now(), workspace_id=workspaces[0].pk)
    own, others = ([each.pk] for each in workspaces)
    assert [count_uncounted(ids, most=3) for ids in (None, own, others)] == [
        Uncounted(3, is_least=True),
        Uncounted(3, is_least=True),
        Uncounted(0, is_least=True),
    ]
    assert count_uncounted(own, most=4) == Uncounted(3, is_least=False)


def test_cost_does_not_grow_with_attempts(root: Client, workspaces: list[Workspace]) -> None:
    def statements() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            read_health(root, window="30d")
        return len(queries)

    few = statements()
    for hours in range(48):
        add_attempt(timezone.now() - timedelta(hours=hours), workspace_id=workspaces[0].pk)
    rollups.run(fix=True, limit=1_000)
    assert statements() == few


def test_windows_are_whole_hours_and_days() -> None:
    at = datetime.fromisoformat("2026-03-01T10:20:30Z")
    found = {name: make_window(name, at=at) for name in ("24h", "7d", "30d", "nonsense")}
    assert found["nonsense"] == found["24h"]
    assert [f"{each.start:%d %H} {each.end:%d %H} {len(each.steps)}" for each in found.values()][:3] == [
        "28 11 01 11 24",
        "22 11 01 11 168",
        "31 00 02 00 30",
    ]

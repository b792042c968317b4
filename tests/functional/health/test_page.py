"""The page "Health": its figures, the lists behind them, who sees what, and what it costs."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from leadswitch.levels.health_page.objective_cards import Figure
from leadswitch.levels.health_page.page import Health
from leadswitch.levels.health_page.rollup_reads import Uncounted, count_uncounted
from leadswitch.levels.health_page.window import make_window
from routing.models import Lead, Workspace
from tests.support import switches
from tests.support.admin_pages import client_of, person
from tests.support.attempts import add_attempt
from tests.support.factories import LeadFactory, SourceFactory, WorkspaceFactory
from tracing.reconcile import rollups
from tracing.rollups.edges import EDGES_SECONDS

pytestmark = pytest.mark.usefixtures("committed_db", "redis_client")
URL = "/admin/health/"


@pytest.fixture
def root() -> Client:
    return client_of(User.objects.create_superuser("root"))


@pytest.fixture
def workspaces(committed_db: None, redis_client: None) -> list[Workspace]:  # noqa: ARG001
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
    for seconds in (1, 90):
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


def read(client: Client, **query: Any) -> Health:
    answer = client.get(URL, query)
    assert answer.status_code == 200
    health: Health = answer.context_data["health"]  # type: ignore[attr-defined]
    return health


def figures(health: Health) -> Iterator[Figure]:
    for card in health.cards:
        yield from card.figures
    for chart in health.charts.values():
        for row in chart.rows:
            yield from row.cells
    for percentiles in health.latency:
        yield percentiles.count
    for of_workspace in (*health.retries, *health.duplicates):
        yield of_workspace.figure
    yield health.stale_locks


def count_listed(client: Client, url: str) -> int:
    """The rows of a list on all its pages."""
    answer = client.get(url)
    assert answer.status_code == 200
    page: Any = answer.context_data["cl"]  # type: ignore[attr-defined]
    more = count_listed(client, f"{url.partition('?')[0]}{page.older_url}") if page.older_url else 0
    return len(page.result_list) + more


@pytest.mark.parametrize("window", ["24h", "7d", "30d"])
@pytest.mark.parametrize("who", ["root", "operator", "chosen"])
def test_each_list_has_exactly_the_rows_that_its_figure_counts(
    root: Client, workspaces: list[Workspace], who: str, window: str
) -> None:
    client = client_of(person("operator", workspaces[0])) if who == "operator" else root
    query = {"workspace": str(workspaces[1].pk)} if who == "chosen" else {}

    checked = 0
    for figure in figures(read(client, window=window, **query)):
        if figure.url and figure.number:
            assert count_listed(client, figure.url) == figure.number, figure
            checked += 1
    assert checked > 10


@pytest.mark.usefixtures("workspaces")
def test_objectives_count_each_bad_lead_once(root: Client) -> None:
    """An attempt that failed and was late is bad once."""
    availability, latency, retries = read(root).cards
    decided, failed, late, undecided = (figure.number for figure in availability.figures)
    assert (decided, failed, late, undecided) == (14 + 3 * 2 * 7, 18, 1 + 3 * 2 * 3, 2)
    both = 6
    assert availability.budget_left == pytest.approx(1 - (18 + 19 - both + 2) / (56 + 2) / 0.001)
    assert (availability.tone, availability.budget_display) == ("bad", "Budget spent")
    slow = 5 + 3 * 2 * 4
    assert [figure.number for figure in latency.figures] == [14 + 3 * 2 * 6, slow, 2]
    assert latency.kept == f"{1 - (slow + 2) / (50 + 2):.2%}"
    assert (retries.kept, retries.tone) == ("2", "good")


@pytest.mark.usefixtures("workspaces")
def test_what_is_so_now(root: Client) -> None:
    health = read(root)
    assert [(row.name, row.figure.number) for row in health.retries] == [("First", 2)]
    assert health.stale_locks.number == 1
    assert health.lag_display.startswith("1 min 3")
    assert [(row.name, row.figure.number, row.share) for row in health.duplicates] == [
        ("First", 1, 100),
        ("Second", 1, 100),
    ]
    assert health.live.workers == 0


@pytest.mark.usefixtures("workspaces")
def test_paused_leads_are_not_late(root: Client) -> None:
    switches.pause_product(at=timezone.now(), actor="ann", reason="a doubt")
    health = read(root)
    assert (health.live.undecided_late, health.live.lag_seconds) == (0, None)
    assert "The product is paused" in root.get(URL).content.decode()


def test_leads_are_not_late_right_after_a_pause(root: Client, workspaces: list[Workspace]) -> None:
    late = "/admin/routing/lead/?late=undecided"
    assert count_listed(root, late) == 2
    switches.pause_workspace(workspaces[0].pk, at=timezone.now(), actor="ann", reason="a doubt")
    assert count_listed(root, late) == 0
    switches.resume_workspace(workspaces[0].pk, actor="ann", reason="no doubt")
    live = read(root).live
    assert (live.undecided_late, count_listed(root, late)) == (0, 0)
    assert live.lag_seconds is not None
    assert live.lag_seconds < 60


def test_operator_sees_own_workspaces_only(root: Client, workspaces: list[Workspace]) -> None:
    client = client_of(person("operator", workspaces[1]))
    assert client.get(URL, {"workspace": str(workspaces[0].pk)}).status_code == 404
    text = client.get(URL).content.decode()
    assert "Second" in text
    assert "First" not in text
    assert "Workers alive" not in text
    assert read(client).cards[0].figures[0].number == 3 * 7
    assert read(root, workspace=str(workspaces[1].pk)).cards[0].figures[0].number == 3 * 7
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
        return read(client, **query).uncounted_display

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
            read(root, window="30d")
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

"""Leads that wait too long on the page "Health": their numbers, the limits of these, and the list behind them."""

from datetime import timedelta
from functools import partial

import pytest
from django.test import Client
from django.utils import timezone

from leadswitch.levels.health_page.current_state import Count, read_current_state
from leadswitch.levels.health_page.objective_cards import link_count
from routing.leads import undecided
from routing.models import Lead, Workspace
from tests.support import switches
from tests.support.admin_pages import client_of, person
from tests.support.factories import LeadFactory, SourceFactory
from tests.support.health_page import URL, count_listed, read_health

pytestmark = pytest.mark.usefixtures("committed_db", "redis_client")
LATE = "/admin/routing/lead/?late=undecided"


@pytest.mark.usefixtures("workspaces")
def test_paused_leads_are_not_late(root: Client) -> None:
    switches.pause_product(at=timezone.now(), actor="ann", reason="a doubt")
    health = read_health(root)
    assert (health.current.waiting.undecided_late, health.current.oldest) == (Count(0), None)
    assert "The product is paused" in root.get(URL).content.decode()


def test_leads_are_not_late_right_after_a_pause(root: Client, workspaces: list[Workspace]) -> None:
    assert count_listed(root, LATE) == 2
    switches.pause_workspace(workspaces[0].pk, at=timezone.now(), actor="ann", reason="a doubt")
    assert count_listed(root, LATE) == 0
    switches.resume_workspace(workspaces[0].pk, actor="ann", reason="no doubt")
    found = read_health(root).current
    assert (found.waiting.undecided_late, count_listed(root, LATE)) == (Count(0), 0)
    assert found.oldest is not None
    assert found.oldest.seconds < 60


@pytest.mark.usefixtures("workspaces")
def test_oldest_overdue_lead_is_linked(root: Client) -> None:
    url = read_health(root).oldest_url
    assert url in root.get(URL).content.decode()
    lead = Lead.objects.filter(status="pending").order_by("next_attempt_at", "id")[0]
    assert url == f"/admin/routing/lead/{lead.pk}/change/"


@pytest.mark.parametrize("late", ["undecided", "slow"])
@pytest.mark.parametrize("who", ["root", "operator", "chosen"])
def test_number_and_list_of_late_leads_agree_above_the_limit(
    root: Client, workspaces: list[Workspace], who: str, late: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither leads that were resumed a moment ago nor those of another workspace use up the limit."""
    monkeypatch.setattr(undecided, "MAX_UNDECIDED", 3)
    first, second = workspaces
    crowded, source, now = SourceFactory(workspace=first), SourceFactory(workspace=second), timezone.now()
    for _ in range(4):
        LeadFactory(source=crowded, next_attempt_at=now - timedelta(hours=1))
        LeadFactory(source=source, next_attempt_at=now - timedelta(hours=2), resumed_at=now)
    for _ in range(2):
        LeadFactory(source=source, next_attempt_at=now - timedelta(minutes=2))
    client = client_of(person("operator", second)) if who == "operator" else root
    query = {"workspace": str(second.pk)} if who == "chosen" else {}

    card = read_health(client, **query).cards[0 if late == "undecided" else 1]

    figure = card.figures[-1]
    assert figure.display == ("3+" if who == "root" else "2")
    assert f"late={late}" in figure.url
    assert count_listed(client, figure.url) == figure.number


def test_list_of_late_leads_ignores_a_workspace_that_the_user_does_not_see(
    workspaces: list[Workspace],
) -> None:
    client = client_of(person("operator", workspaces[1]))
    assert count_listed(client, f"{LATE}&workspace__id__exact={workspaces[0].pk}") == 0


@pytest.mark.usefixtures("workspaces")
def test_counts_that_reach_their_limit_say_so() -> None:
    whole, limited = read_current_state(None), read_current_state(None, most=1)
    assert (whole.waiting.due_retries, whole.stale_locks) == (Count(2), Count(1))
    assert (limited.waiting.due_retries, limited.stale_locks) == (
        Count(1, is_least=True),
        Count(1, is_least=True),
    )
    assert link_count("Stale locks", Count(5_000, is_least=True), "").display == "5,000+"


@pytest.mark.usefixtures("workspaces")
def test_page_shows_that_a_number_is_the_least(root: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "leadswitch.levels.health_page.page.read_current_state", partial(read_current_state, most=1)
    )
    health = read_health(root)
    assert [row.figure.display for row in health.retries] == ["1+"]
    assert (health.stale_locks.display, health.cards[2].measured) == ("1+", "1+")
    assert root.get(URL).content.decode().count(">1+</a>") == 3

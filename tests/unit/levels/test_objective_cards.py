"""An objective is met as long as the budget is not below 0, as on the boards. Due retries must be below their limit."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from leadswitch.levels.dashboards.boards.routing import OBJECTIVES as PANELS
from leadswitch.levels.health_page.current_state import Count, WaitingLeads
from leadswitch.levels.health_page.links import Links
from leadswitch.levels.health_page.objective_cards import ObjectiveCard, make_cards
from leadswitch.levels.health_page.rollup_reads import Decisions
from leadswitch.levels.objectives import AVAILABILITY, DUE_RETRIES

HOUR: Final = datetime(2026, 1, 1, tzinfo=UTC)


def make_all(*, late: int, decided: int, due_retries: int = 0) -> Sequence[ObjectiveCard]:
    decisions = [Decisions("success", "", decided, 0, 0, late)]
    waiting = WaitingLeads(Count(0), Count(0), (), Count(due_retries))
    return make_cards(decisions, waiting, period=(HOUR, HOUR + timedelta(hours=1)), links=Links())


@pytest.mark.parametrize(
    ("late", "verdict", "tone", "headline"),
    [
        (0, "Met", "good", "100.0%"),
        (9, "Met", "wait", "10.0%"),
        (10, "Met", "wait", "0.0%"),
        (11, "Missed", "bad", "Budget spent"),
    ],
)
def test_objective_is_missed_below_0(late: int, verdict: str, tone: str, headline: str) -> None:
    availability, _latency, _retries = make_all(late=late, decided=10_000)
    assert (availability.verdict, availability.tone, availability.headline) == (verdict, tone, headline)
    assert availability.is_met is (late / 10_000 <= AVAILABILITY.budget)


def test_overspent_budget_says_how_often() -> None:
    availability, *_ = make_all(late=25, decided=10_000)
    assert availability.words == "2.5 times as many bad leads as allowed"


def test_boards_draw_the_same_line() -> None:
    panels = [panel for panel in PANELS.panels if panel.title.endswith("budget left")]
    assert len(panels) == 2
    for panel in panels:
        assert "Below 0" in panel.description
        assert [(each.value, each.is_below) for each in panel.thresholds if each.is_error] == [(0, True)]


@pytest.mark.parametrize(("due", "verdict"), [(DUE_RETRIES.limit - 1, "Met"), (DUE_RETRIES.limit, "Missed")])
def test_due_retries_must_be_below_their_limit(due: int, verdict: str) -> None:
    *_, retries = make_all(late=0, decided=0, due_retries=due)
    assert retries.verdict == verdict

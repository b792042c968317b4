"""The pick-up from PostgreSQL: workspaces take turns, and paused ones get none."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from distribution.attempts.distribute import LastServed, distribute_next_due, distribute_next_polled
from distribution.attempts.outcome import AttemptOutcome
from tests.support.factories import CampaignFactory, enroll
from tests.support.race_leads import make_leads

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture(autouse=True)
def first_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LastServed, "workspace_id", 0)


@pytest.mark.parametrize("pick", [distribute_next_due, distribute_next_polled])
def test_workspaces_take_turns_with_any_pile(pick: Callable[[], AttemptOutcome]) -> None:
    """All leads of the pile have been due for longer than any other lead."""
    pile, second, third, paused = (CampaignFactory() for _ in range(4))
    for campaign in (pile, second, third, paused):
        enroll(campaign, count=1, credits_cents=1_000_000)
    hour_ago = timezone.now() - timedelta(hours=1)
    piled = make_leads(pile, count=4, next_attempt_at=hour_ago)
    make_leads(paused, count=4, next_attempt_at=hour_ago)
    paused.workspace.paused_at = hour_ago
    paused.workspace.save()
    others = [make_leads(campaign, count=1)[0] for campaign in (second, third)]

    picked = [pick().lead_id for _ in range(7)]

    assert picked == [piled[0], *others, *piled[1:], None]

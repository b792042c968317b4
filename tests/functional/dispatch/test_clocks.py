"""A process whose clock is minutes off: due leads start by the clocks of PostgreSQL and Redis."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine

from distribution.models import Campaign
from routing.dispatch import canary, enqueue, publish, schedule
from routing.dispatch.backlog import Spread
from routing.dispatch.modes import follow_mode
from routing.dispatcher.leader_tasks import LeaderTasks, catch_up
from routing.leads.actions import rerun_lead
from routing.models import Lead
from routing.queries import read_clock, read_due_times
from routing.reconcile import find_reconciler, run_reconciler
from routing.redis import keys
from tests.support.factories import CampaignFactory
from tests.support.race_leads import make_leads
from tests.support.times import due

if TYPE_CHECKING:
    import redis

OFF = timedelta(minutes=10)
# More than any of these waits, and much less than the clock is off.
SOON_MS = 60_000


@pytest.fixture
def campaign(committed_db: None, redis_client: "redis.Redis[str]") -> Campaign:  # noqa: ARG001 - it makes the database
    assert redis_client.ping()
    campaign: Campaign = CampaignFactory(workspace__dispatch_mode="event")
    return campaign


@pytest.fixture
def lead_id(campaign: Campaign) -> int:
    """Due for an hour, and not enqueued by any process."""
    an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
    return make_leads(campaign, count=1, received_at=an_hour_ago, next_attempt_at=an_hour_ago)[0]


@pytest.fixture
def clock_ahead(lead_id: int) -> Iterator[None]:  # noqa: ARG001 - it is made by a machine whose clock is right
    with time_machine.travel(datetime.now(UTC) + OFF):
        yield


@pytest.fixture
def clock_behind(lead_id: int) -> Iterator[None]:  # noqa: ARG001 - as above
    with time_machine.travel(datetime.now(UTC) - OFF):
        yield


def waits_ms(client: "redis.Redis[str]", lead_id: int, workspace_id: int) -> float:
    """How long until the lead becomes due in the schedule."""
    score = client.zscore(keys.schedule_of(workspace_id), str(lead_id))
    assert score is not None
    seconds, micros = client.time()
    return score - (seconds * 1000 + micros / 1000)


@pytest.mark.usefixtures("clock_ahead")
def test_message_refused_by_the_broker_is_retried_at_once(
    redis_client: "redis.Redis[str]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enqueue, "publish_ready", list)
    dispatched = schedule.put([due(1, ago=2 * OFF)])
    assert enqueue.publish(dispatched, path="put") == 0
    assert waits_ms(redis_client, 1, 1) <= 0


@pytest.mark.usefixtures("clock_ahead")
def test_overdue_lead_is_put_back_at_once(lead_id: int) -> None:
    assert run_reconciler(find_reconciler("schedule"), fix=True).repaired == 1
    assert schedule.start([lead_id]) != [None]


@pytest.mark.usefixtures("clock_ahead")
def test_overdue_lead_of_a_new_mode_is_put_at_once(campaign: Campaign, lead_id: int) -> None:
    assert follow_mode(campaign.workspace_id) == 1
    assert schedule.start([lead_id]) != [None]


@pytest.mark.usefixtures("clock_ahead")
def test_new_leader_puts_an_overdue_lead_back_at_once(lead_id: int) -> None:
    list(catch_up())
    assert schedule.start([lead_id]) != [None]


@pytest.mark.usefixtures("clock_ahead")
def test_spread_waits_by_the_clock_of_redis(redis_client: "redis.Redis[str]") -> None:
    spread = Spread(seed=1)
    leads = [spread.place(due(number, ago=2 * OFF), at=read_clock()) for number in range(2_000)]
    schedule.put(leads)
    assert 0 < waits_ms(redis_client, 1_999, 1) < SOON_MS


@pytest.mark.usefixtures("clock_ahead")
def test_canary_is_due_in_a_moment(redis_client: "redis.Redis[str]", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canary, "DUE_IN", timedelta(seconds=20))  # so that it is still in the schedule
    assert canary.send() == []
    assert 0 < waits_ms(redis_client, -1, canary.workspace_of(0, 4)) < SOON_MS


@pytest.mark.usefixtures("clock_ahead")
def test_lead_that_is_run_again_is_due_now(lead_id: int) -> None:
    rerun_lead(lead_id, at=datetime.now(UTC))
    assert Lead.objects.get(pk=lead_id).next_attempt_at <= read_clock()  # type: ignore[operator] # it is due


@pytest.mark.usefixtures("clock_behind")
def test_leader_finds_overdue_leads(lead_id: int) -> None:
    Lead.objects.filter(pk=lead_id).update(next_attempt_at=read_clock() - OFF / 2)
    LeaderTasks()._scan_postgres()
    assert schedule.start([lead_id]) != [None]


@pytest.mark.usefixtures("clock_behind")
def test_worker_of_a_polled_lead_is_woken_at_once(
    lead_id: int, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    Lead.objects.filter(pk=lead_id).update(next_attempt_at=read_clock())
    type(campaign.workspace).objects.update(dispatch_mode="poll")
    sent: list[object] = []

    def send(task: str, **options: object) -> bool:
        sent.append((task, options))
        return True

    monkeypatch.setattr(publish, "_send", send)
    enqueue.enqueue_now(read_due_times([lead_id]))
    assert sent == [(publish.PROCESS_LEADS, {"args": [[lead_id]]})]

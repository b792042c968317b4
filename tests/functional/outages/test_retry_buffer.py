"""The buffer of leads that Redis refused: the process retries them by itself when Redis accepts them."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from routing.dispatch import inflight, schedule
from routing.dispatch.enqueue import ENQUEUER, enqueue_now
from routing.dispatch.enqueuer import Enqueuer
from routing.dispatch.retry_buffer import BufferedPart, RetryBuffer
from routing.dispatch.schedule import Due, Release
from routing.metrics.dispatch import WAKES_LOST
from routing.models import DispatchMode, Lead
from routing.queries import DueTime, read_due_times
from routing.redis.keys import inflight_key, ready_key, schedule_of
from routing.redis.outage import BREAKER
from tests.support.factories import CampaignFactory
from tests.support.race_leads import make_leads
from tests.support.redis_faults import demoted
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    import redis

    from distribution.models import Campaign

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture
def campaign() -> "Campaign":
    campaign: Campaign = CampaignFactory(workspace__dispatch_mode=DispatchMode.EVENT)
    return campaign


@contextmanager
def refusing(own_redis: "redis.Redis[str]") -> Iterator[None]:
    with demoted(own_redis):
        yield
    assert BREAKER.is_open  # no process asks Redis before one has tried


def is_idle() -> bool:
    return ENQUEUER.retrying_seconds == 0


def test_refused_lead_is_put_as_its_row_is_now(own_redis: "redis.Redis[str]", campaign: "Campaign") -> None:
    """One has been canceled since, and one deferred: the current row is put, not the refused one."""
    due, cancelled, later = make_leads(campaign, count=3)
    at = timezone.now() + timedelta(hours=1)
    with refusing(own_redis):
        enqueue_now(read_due_times([due, cancelled, later]))
        assert not is_idle()
        Lead.objects.filter(pk=cancelled).update(status="cancelled", next_attempt_at=None, finished_at=at)
        Lead.objects.filter(pk=later).update(next_attempt_at=at)
    wait_until(is_idle, what="a process that is not behind")
    assert own_redis.zscore(inflight_key(), due) is not None
    for key in (inflight_key(), schedule_of(campaign.workspace_id)):
        assert own_redis.zscore(key, cancelled) is None
    assert own_redis.zscore(schedule_of(campaign.workspace_id), later) == schedule.to_ms(at)


def test_end_of_a_lease_is_retried(own_redis: "redis.Redis[str]", campaign: "Campaign") -> None:
    [lead_id] = make_leads(campaign, count=1)
    schedule.put([Due(lead_id, campaign.workspace_id, timezone.now())])
    worker = ExitStack()
    lease = worker.enter_context(inflight.leased(lead_id))
    assert lease is not None
    lease.finish()
    with refusing(own_redis):
        worker.close()
        assert own_redis.zscore(inflight_key(), lead_id) is not None
    wait_until(is_idle, what="a process that is not behind")
    assert own_redis.zscore(inflight_key(), lead_id) is None


def test_lead_that_ran_without_redis_leaves_flight(
    own_redis: "redis.Redis[str]", campaign: "Campaign"
) -> None:
    """Neither its start nor its end reached Redis. It must not occupy its queue until its lease ends."""
    [lead_id] = make_leads(campaign, count=1)
    [dispatched] = schedule.put([Due(lead_id, campaign.workspace_id, timezone.now())])
    with refusing(own_redis), inflight.leased(lead_id) as lease:
        assert lease is not None
        Lead.objects.filter(pk=lead_id).update(
            status="distributed", next_attempt_at=None, finished_at=timezone.now()
        )
        lease.finish()
    wait_until(is_idle, what="a process that is not behind")
    assert own_redis.zscore(inflight_key(), lead_id) is None
    assert own_redis.zcard(f"{ready_key()}:{dispatched.shard}") == 0
    assert own_redis.zscore(schedule_of(campaign.workspace_id), lead_id) is None


def test_lead_that_ran_without_redis_and_was_made_due_again_is_dispatched_again(
    own_redis: "redis.Redis[str]", campaign: "Campaign"
) -> None:
    """The put of its new due time finds it in flight, and leaves it to a worker that has already ended."""
    [lead_id] = make_leads(campaign, count=1)
    later = timezone.now() + timedelta(hours=1)
    [first] = schedule.put([Due(lead_id, campaign.workspace_id, timezone.now())])
    schedule.confirm_published([first])
    with refusing(own_redis), inflight.leased(lead_id) as lease:
        assert lease is not None
        lease.wait_until(
            DueTime(lead_id, campaign.workspace_id, DispatchMode.EVENT, later), least_wait=timedelta(0)
        )
    assert schedule.put([Due(lead_id, campaign.workspace_id, timezone.now())]) == []
    wait_until(is_idle, what="a process that is not behind")
    lease_ends_at = own_redis.zscore(inflight_key(), lead_id)
    assert lease_ends_at is not None
    assert lease_ends_at > first.deadline_ms


def test_late_end_of_an_unknown_lease_loses_no_lead(
    own_redis: "redis.Redis[str]", campaign: "Campaign"
) -> None:
    """By then another lease may have begun, and its message waits in the queue."""
    [lead_id] = make_leads(campaign, count=1)
    schedule.put([Due(lead_id, campaign.workspace_id, timezone.now())])
    ENQUEUER.retry_later(releases=[Release(lead_id, None)])
    wait_until(is_idle, what="a process that is not behind")
    is_in_flight = own_redis.zscore(inflight_key(), lead_id) is not None
    assert is_in_flight or own_redis.zscore(schedule_of(campaign.workspace_id), lead_id) is not None


def test_late_end_leaves_another_lease_alone(own_redis: "redis.Redis[str]", campaign: "Campaign") -> None:
    [lead_id] = make_leads(campaign, count=1)
    schedule.put([Due(lead_id, campaign.workspace_id, timezone.now())])
    [deadline_ms] = schedule.start([lead_id])
    assert deadline_ms is not None
    ENQUEUER.retry_later(releases=[Release(lead_id, deadline_ms - 1)])
    wait_until(is_idle, what="a process that is not behind")
    assert own_redis.zscore(inflight_key(), lead_id) == deadline_ms


def test_excess_is_counted() -> None:
    kept = RetryBuffer(most=2)
    assert kept.add([1, 2, 3]) == 1
    assert kept.add([2], releases=[Release(9, 9)]) == 1
    assert list(kept.oldest(9).leads) == [1, 2]


def test_lead_refused_again_during_its_retry_stays_in_the_buffer() -> None:
    kept = RetryBuffer()
    kept.add([1])
    tried = kept.oldest(9)
    kept.add([1])
    kept.remove(tried)
    assert list(kept.oldest(9).leads) == [1]
    kept.remove(kept.oldest(9))
    assert (len(kept), kept.age_seconds) == (0, 0)


def test_full_buffer_keeps_its_leads(own_redis: "redis.Redis[str]") -> None:
    """No lead is dropped while there is room."""
    assert own_redis.ping()
    go, arrived = threading.Event(), []

    def wait(changes: list[DueTime]) -> list[int]:
        go.wait(30)
        arrived.extend(each.lead_id for each in changes)
        return []

    def enqueue_again(part: BufferedPart) -> BufferedPart:
        arrived.extend(part.leads)
        return part

    hands = Enqueuer(wait, enqueue_again, most_waiting=3)  # type: ignore[arg-type] # lists in place of sequences
    before = lost("retry_buffer_full")
    hands.add([DueTime(number, 1, DispatchMode.EVENT, None) for number in range(20)])
    go.set()
    assert hands.drain(timeout_seconds=30) == 0
    assert sorted(arrived) == list(range(20))
    assert lost("retry_buffer_full") == before


def lost(cause: str) -> float:
    return float(WAKES_LOST.labels(cause=cause)._value.get())

"""Leads whose message was lost between its queue and a worker: requeued while their queue is empty."""

from typing import TYPE_CHECKING

import pytest

from routing.dispatch import enqueue, schedule
from routing.dispatch.schedule import Dispatched, Leader
from routing.dispatch.sizes import read_sizes
from routing.dispatcher.leader_tasks import LeaderTasks
from routing.metrics.dispatch import LEADS_RETURNED
from tests.support.queues import queue_key
from tests.support.times import due, ids

if TYPE_CHECKING:
    import redis


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "UNSTARTED_MS", 0)


def publish_one(lead_id: int = 1) -> Dispatched:
    [dispatched] = schedule.put([due(lead_id)])
    assert enqueue.publish([dispatched], path="put") == 1
    return dispatched


@pytest.mark.usefixtures("impatient")
def test_lead_whose_message_is_lost_is_dispatched_again(
    redis_client: "redis.Redis[str]", leader: Leader
) -> None:
    shard = publish_one().shard
    redis_client.delete(queue_key(shard))
    assert schedule.requeue_unstarted() == 1
    assert read_sizes().shards[shard].ready == 0
    assert ids(schedule.claim_batch(leader, limit=10).leads) == [1]


def test_lead_gets_time_to_start(redis_client: "redis.Redis[str]") -> None:
    redis_client.delete(queue_key(publish_one().shard))
    assert schedule.requeue_unstarted() == 0


@pytest.mark.usefixtures("impatient", "redis_client")
def test_lead_whose_message_waits_in_its_queue_stays_there() -> None:
    publish_one()
    assert schedule.requeue_unstarted() == 0


@pytest.mark.usefixtures("impatient")
def test_lead_that_a_worker_has_started_stays_in_flight(redis_client: "redis.Redis[str]") -> None:
    redis_client.delete(queue_key(publish_one().shard))
    assert schedule.start([1]) != [None]
    assert schedule.requeue_unstarted() == 0


@pytest.mark.usefixtures("impatient", "db")
def test_leader_looks_for_lost_messages_and_counts_them(redis_client: "redis.Redis[str]") -> None:
    redis_client.delete(queue_key(publish_one().shard))
    before = LEADS_RETURNED.labels(path="queue")._value.get()
    LeaderTasks().run_due()
    assert LEADS_RETURNED.labels(path="queue")._value.get() == before + 1

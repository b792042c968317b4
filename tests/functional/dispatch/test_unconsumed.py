"""Ready queues without a consumer: they fill up only to their limit, and leads go through the other queues."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest

from routing.dispatch import canary, enqueue, schedule, workers
from routing.dispatch.schedule import Dispatched, Leader, Release
from routing.dispatch.sizes import read_sizes
from routing.redis import keys
from tests.support.queues import queue_key, read_messages, read_published
from tests.support.times import due, ids
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    import redis

pytestmark = pytest.mark.usefixtures("redis_client")

LIMIT = 20
SHARDS = 4


@pytest.fixture(autouse=True)
def short_queues(settings: Any) -> None:
    settings.LEADSWITCH_READY_LIMIT = LIMIT


@pytest.fixture
def short_leases(settings: Any) -> None:
    settings.LEADSWITCH_LEASE_SECONDS = 0.001


def workspaces_of(shard: int, count: int = 1) -> list[int]:
    return [number for number in range(1, 1_000) if keys.shard_of(number, shards=SHARDS) == shard][:count]


def fill(client: "redis.Redis[str]", *, count: int, workspace_id: int = 1) -> None:
    """Due leads in the schedule, none of which is dispatched to a queue by its put."""
    client.set(keys.paused_key(), 1)
    schedule.put([due(number, workspace_id) for number in range(1, count + 1)])
    client.delete(keys.paused_key())


def take_and_publish(leader: Leader) -> Sequence[Dispatched]:
    dispatched = schedule.claim_batch(leader, limit=1_000).leads
    assert enqueue.publish(dispatched, path="claim") == len(dispatched)
    return dispatched


def end_leases_that_are_over(dispatched: Sequence[Dispatched]) -> None:
    """As `reconcile inflight` does: the leads are due as before."""
    wait_until(
        lambda: len(schedule.find_expired(limit=1_000)) >= len(dispatched), what="the end of all leases"
    )
    expired = schedule.find_expired(limit=1_000)
    schedule.release(
        [
            Release(each.lead_id, each.deadline_ms, due(each.lead_id).due_at, each.workspace_id)
            for each in expired
        ]
    )


def consume(client: "redis.Redis[str]") -> list[int | None]:
    """The results of starting each lead of each message, as a worker does."""
    lead_ids = read_published(client)
    for shard in range(SHARDS):
        client.delete(queue_key(shard))
    return schedule.start(lead_ids)


# --- the limit ------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("short_leases")
@pytest.mark.parametrize("leads", [400, LIMIT // 4])
def test_without_a_worker_the_limit_holds(
    redis_client: "redis.Redis[str]", leader: Leader, leads: int
) -> None:
    """Lease after lease, leads that are already in the queues are not published again."""
    fill(redis_client, count=leads)
    for _ in range(10):
        end_leases_that_are_over(take_and_publish(leader))
    assert len(read_published(redis_client)) == LIMIT
    assert schedule.claim_batch(leader, limit=1_000).is_blocked
    sizes = read_sizes()
    # LeadSwitchShardWaiting compares the overdue leads: those that are ready are none, however many wait.
    assert (sizes.stale, sizes.ready, sizes.overdue) == (LIMIT, 0, leads)


@pytest.mark.usefixtures("short_leases")
def test_without_a_reconciler_the_limit_holds(redis_client: "redis.Redis[str]", leader: Leader) -> None:
    fill(redis_client, count=400)
    number = None
    for moved in (LIMIT, 0, 0):
        take = schedule.claim_batch(leader, limit=1_000, published=number)
        number = take.number
        assert enqueue.publish(take.leads, path="claim") == moved
        wait_until(lambda: len(schedule.find_expired(limit=100)) == LIMIT, what="the end of the leases")
    assert len(read_published(redis_client)) == LIMIT


def test_queue_that_was_emptied_is_filled_again(
    redis_client: "redis.Redis[str]", leader: Leader, settings: Any
) -> None:
    settings.LEADSWITCH_LEASE_SECONDS = 0.001
    fill(redis_client, count=400)
    for _ in range(3):
        end_leases_that_are_over(take_and_publish(leader))
    settings.LEADSWITCH_LEASE_SECONDS = 600
    assert consume(redis_client) == [None] * LIMIT  # their leases had expired
    dispatched = take_and_publish(leader)
    assert len(dispatched) == LIMIT
    assert None not in consume(redis_client)
    assert read_sizes().stale == 0


def test_every_message_takes_room(redis_client: "redis.Redis[str]", leader: Leader) -> None:
    """Canaries count too: one is sent to replace each that is missing."""
    shard = keys.shard_of(1, shards=SHARDS)
    redis_client.rpush(queue_key(shard), *["a message"] * (LIMIT - 1))
    assert ids(schedule.put([due(1), due(2)])) == [1]
    redis_client.rpush(queue_key(shard), "a message")
    assert schedule.claim_batch(leader, limit=10).is_blocked


@pytest.mark.usefixtures("committed_db")
def test_canaries_do_not_pile_up(
    redis_client: "redis.Redis[str]", leader: Leader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(canary, "DUE_IN", canary.DUE_IN * 0)
    for _ in range(2 * LIMIT):
        enqueue.publish(canary.send(), path="put")
        take_and_publish(leader)
    assert {shard: redis_client.llen(queue_key(shard)) for shard in range(SHARDS)} == dict.fromkeys(
        range(SHARDS), LIMIT
    )


# --- a shard without a consumer ---


def test_leads_of_a_shard_without_a_worker_use_the_other_queues(redis_client: "redis.Redis[str]") -> None:
    workers.write_worker_heartbeat("celery@one", shards=[1, 2, 3])
    homeless = workspaces_of(0, count=30)
    dispatched = schedule.put([due(number, workspace) for number, workspace in enumerate(homeless)])
    assert len(dispatched) == 30
    assert {each.shard for each in dispatched} == {1, 2, 3}  # spread over all of them
    enqueue.publish(dispatched, path="put")
    published = {lead_id: shard for shard, lead_ids in read_messages(redis_client) for lead_id in lead_ids}
    assert published == {each.lead_id: each.shard for each in dispatched}


def test_lead_ends_in_the_shard_where_it_was_queued(leader: Leader) -> None:
    [workspace] = workspaces_of(0)
    workers.write_worker_heartbeat("celery@one", shards=[2])
    assert [each.shard for each in schedule.put([due(1, workspace)])] == [2]
    workers.write_worker_heartbeat("celery@two", shards=[0])  # it is back
    assert [each.ready for each in read_sizes().shards] == [0, 0, 1, 0]
    [deadline_ms] = schedule.start([1])
    assert [each.ready for each in read_sizes().shards] == [0, 0, 0, 0]
    schedule.release([Release(1, deadline_ms)])
    assert [each.shard for each in schedule.put([due(2, workspace)])] == [0]
    assert schedule.claim_batch(leader, limit=1).leads == []


def test_limit_and_turns_hold_for_shared_queues(redis_client: "redis.Redis[str]", leader: Leader) -> None:
    """The workspace with a pile gets its share of the queue's room, and no more."""
    [piled], [at_home] = workspaces_of(0), workspaces_of(1)
    workers.write_worker_heartbeat("celery@one", shards=[1])
    redis_client.set(keys.paused_key(), 1)
    schedule.put([due(number, piled) for number in range(200)])
    schedule.put([due(1_000 + number, at_home) for number in range(200)])
    redis_client.delete(keys.paused_key())
    dispatched = schedule.claim_batch(leader, limit=1_000).leads
    assert [each.shard for each in dispatched] == [1] * LIMIT
    assert [each.workspace_id for each in dispatched].count(piled) == LIMIT // 2


@pytest.mark.parametrize("seconds_ago", [None, 16])
def test_shards_keep_their_leads_without_worker_heartbeats(
    redis_client: "redis.Redis[str]", seconds_ago: int | None
) -> None:
    """Workers may start later, or run an older version without heartbeats."""
    if seconds_ago is not None:
        now = int(redis_client.time()[0])
        redis_client.hset(keys.consumed_key(), mapping={"1": now - seconds_ago})
    [workspace] = workspaces_of(0)
    assert [each.shard for each in schedule.put([due(1, workspace)])] == [0]
    assert schedule.requeue_unconsumed() == 0


def test_leads_in_an_abandoned_queue_move_to_the_others(
    redis_client: "redis.Redis[str]", leader: Leader
) -> None:
    [workspace] = workspaces_of(0)
    enqueue.publish(schedule.put([due(number, workspace) for number in (1, 2, 3)]), path="put")
    workers.write_worker_heartbeat("celery@one", shards=[1, 2, 3])
    assert schedule.start([3]) != [None]
    assert schedule.requeue_unconsumed() == 2
    assert schedule.requeue_unconsumed() == 0
    dispatched = take_and_publish(leader)
    assert sorted(ids(dispatched)) == [1, 2]
    assert 0 not in {each.shard for each in dispatched}
    assert read_sizes().shards[0].stale == 2
    # The worker of the first queue comes back: only one of two messages starts the lead.
    assert sorted(deadline is not None for deadline in consume(redis_client)) == [False] * 3 + [True] * 2


def test_late_refusal_of_an_abandoned_queue_ends_nothing(leader: Leader) -> None:
    """The broker refused the lead after it had gone through another queue."""
    [workspace] = workspaces_of(0)
    dispatched = schedule.put([due(1, workspace)])
    workers.write_worker_heartbeat("celery@one", shards=[1])
    assert schedule.requeue_unconsumed() == 1
    [again] = schedule.claim_batch(leader, limit=1).leads
    assert again.shard == 1
    assert schedule.release([Release(1, dispatched[0].deadline_ms)]) == [
        dispatched[0].deadline_ms == again.deadline_ms
    ]


def test_queue_names_and_shards() -> None:
    assert keys.shards_among(["leadswitch", keys.ready_queue(0), keys.ready_queue(11)]) == [0, 11]

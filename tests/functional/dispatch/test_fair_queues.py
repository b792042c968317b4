"""Workspaces share a ready queue fairly, and a slow queue gets fewer leads."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from routing.dispatch import schedule
from routing.dispatch.schedule import Leader
from routing.redis import keys
from tests.support.schedule_state import fill_behind_a_pause
from tests.support.times import HOUR, due, ids

if TYPE_CHECKING:
    import redis

pytestmark = pytest.mark.usefixtures("redis_client")


def in_one_shard(count: int) -> list[int]:
    """Workspaces that share a ready queue."""
    return [number for number in range(1, 1_000) if keys.shard_of(number, shards=4) == 0][:count]


def test_hot_workspace_does_not_starve_others(
    redis_client: "redis.Redis[str]", leader: Leader, settings: Any
) -> None:
    settings.LEADSWITCH_READY_LIMIT = 20
    hot, *quiet = in_one_shard(5)
    piled = [due(number, hot, ago=5 * HOUR) for number in range(2_000)]
    fill_behind_a_pause(
        redis_client, [*piled, *(due(10_000 + each, each, ago=timedelta(seconds=1)) for each in quiet)]
    )
    dispatched = schedule.claim_batch(leader, limit=1_000).leads
    assert len(dispatched) == 20
    assert {each.workspace_id for each in dispatched} == {hot, *quiet}
    # In order of arrival, all of these would be the hot workspace's.
    in_due_order = redis_client.zrange(keys.schedule_of(hot), 0, 19)
    assert len(in_due_order) == 20


def test_workspaces_take_turns_when_there_is_no_room_for_all(
    redis_client: "redis.Redis[str]", leader: Leader, settings: Any
) -> None:
    settings.LEADSWITCH_READY_LIMIT = 2
    workspaces = in_one_shard(5)
    leads = [due(100 * each + number, each) for each in workspaces for number in range(4)]
    fill_behind_a_pause(redis_client, leads)
    served: list[int] = []
    for _ in range(5):
        dispatched = schedule.claim_batch(leader, limit=10).leads
        served += [each.workspace_id for each in dispatched]
        schedule.start(ids(dispatched))
    assert served == workspaces * 2


def test_slow_queue_gets_less(redis_client: "redis.Redis[str]", leader: Leader, settings: Any) -> None:
    """A wait in a ready queue beyond a part of the lease halves the number of leads that the queue gets."""
    settings.LEADSWITCH_READY_LIMIT, settings.LEADSWITCH_LEASE_SECONDS = 100, 30
    fill_behind_a_pause(redis_client, [due(number) for number in range(500)])
    dispatched = schedule.claim_batch(leader, limit=1_000).leads
    assert len(dispatched) == 100
    age_ready_leads(redis_client, shard=keys.shard_of(1, shards=4), by_ms=5_000)
    schedule.start(ids(dispatched))
    assert len(schedule.claim_batch(leader, limit=1_000).leads) == 50


def test_prompt_queue_gets_more_again(
    redis_client: "redis.Redis[str]", leader: Leader, settings: Any
) -> None:
    settings.LEADSWITCH_READY_LIMIT, settings.LEADSWITCH_LEASE_SECONDS = 100, 600
    redis_client.hset(f"{{{settings.LEADSWITCH_REDIS_PREFIX}}}:pace", str(keys.shard_of(1, shards=4)), 8)
    fill_behind_a_pause(redis_client, [due(number) for number in range(500)])
    sizes = []
    for _ in range(5):
        dispatched = schedule.claim_batch(leader, limit=1_000).leads
        sizes.append(len(dispatched))
        schedule.start(ids(dispatched))
    assert sizes == [8, 16, 32, 64, 100]


def age_ready_leads(client: "redis.Redis[str]", *, shard: int, by_ms: int) -> None:
    """As if they had waited in their queue for this long."""
    for key in (f"{keys.ready_key()}:{shard}", keys.inflight_key()):
        aged = {name: score - by_ms for name, score in client.zrange(key, 0, -1, withscores=True)}
        client.zadd(key, aged)

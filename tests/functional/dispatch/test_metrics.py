"""The leading dispatcher's metrics of the schedule and the workers."""

from typing import TYPE_CHECKING, Any

import pytest

from routing.dispatch import schedule, workers
from routing.dispatch.schedule import Leader
from routing.dispatcher.loop import export_sizes
from routing.metrics.leader import (
    INFLIGHT_LEADS,
    READY_LEADS,
    SCHEDULE_LATE_SECONDS,
    SCHEDULE_LEADS,
    SCHEDULE_OVERDUE,
    WORKERS_ALIVE,
)
from routing.redis import keys
from tests.support.times import due, ids, later

if TYPE_CHECKING:
    import redis


def value(metric: Any, **labels: str) -> float:
    return float(metric.labels(**labels)._value.get())


def test_sizes_are_exported(leader: Leader, settings: Any) -> None:
    settings.LEADSWITCH_READY_LIMIT = 2
    shard = str(keys.shard_of(1, shards=settings.LEADSWITCH_READY_SHARDS))
    schedule.put([due(1), due(2), due(3), later(4)])
    schedule.start([1])
    export_sizes()
    assert value(SCHEDULE_LEADS, shard=shard) == 2
    assert value(SCHEDULE_OVERDUE, shard=shard) == 1
    assert value(READY_LEADS, shard=shard) == 1
    assert value(INFLIGHT_LEADS, state="queued") == 1
    assert value(INFLIGHT_LEADS, state="started") == 1
    assert value(SCHEDULE_LATE_SECONDS, path="redis") == pytest.approx(3600, abs=60)
    assert ids(schedule.claim_batch(leader, limit=10).leads) == [3]


def test_living_workers_are_counted(redis_client: "redis.Redis[str]") -> None:
    workers.write_worker_heartbeat("celery@one")
    workers.write_worker_heartbeat("celery@two")
    workers.write_worker_heartbeat("celery@one")
    assert workers.count_alive() == 2
    seconds, _ = redis_client.time()
    redis_client.zadd(keys.workers_key(), {"celery@one": seconds - 16})
    export_sizes()
    assert value(WORKERS_ALIVE, path="redis") == 1

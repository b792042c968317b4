"""How many workers are alive, and which ready queues they consume.

Each worker sends a heartbeat every few seconds, from the process that consumes: a pool can hang while its worker runs.
Raises redis.RedisError.
"""

from collections.abc import Iterable
from multiprocessing.sharedctypes import RawValue
from typing import Any, Final

from django.conf import settings

from routing.dispatch.schedule import TIMEOUT_SECONDS
from routing.redis.client import get_client
from routing.redis.keys import consumed_key, workers_key

# Shared with the processes that are forked from this one.
_STEPS: Final = RawValue("L", 0)


def record_step() -> None:
    """Count one step of a task. A task of many leads takes minutes if each waits. Two at once may count as one."""
    _STEPS.value += 1


def count_steps() -> int:
    """The steps of tasks in this process and in those that were forked from it."""
    return int(_STEPS.value)


def write_worker_heartbeat(
    name: str, *, shards: Iterable[int] | None = None, silent_seconds: float = 0.0
) -> None:
    """`shards`: those whose ready queues it consumes; None: all. `silent_seconds`: how long its pool has run nothing.

    A worker that is silent for longer than LEADSWITCH_ALIVE_SECONDS counts neither as alive nor as consuming.
    """
    now = _now()
    consumed = range(settings.LEADSWITCH_READY_SHARDS) if shards is None else shards
    is_silent = silent_seconds > settings.LEADSWITCH_TAKEOVER.alive_seconds
    heartbeats: dict[Any, Any] = {} if is_silent else {str(shard): now for shard in consumed}
    with get_client(TIMEOUT_SECONDS).pipeline() as pipeline:
        pipeline.zadd(workers_key(), {name: now - int(silent_seconds)})
        pipeline.zremrangebyscore(workers_key(), "-inf", now - 3600)
        if heartbeats:
            pipeline.hset(consumed_key(), mapping=heartbeats)
        pipeline.execute()


def count_alive() -> int:
    earliest = _now() - settings.LEADSWITCH_TAKEOVER.alive_seconds
    return int(get_client(TIMEOUT_SECONDS).zcount(workers_key(), earliest, "+inf"))


def _now() -> int:
    seconds, _ = get_client(TIMEOUT_SECONDS).time()
    return int(seconds)

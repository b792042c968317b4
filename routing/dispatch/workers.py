"""How many workers are alive, and which ready queues they take from.

Each worker sends a heartbeat every few seconds, from the process that consumes: a worker can hang with its process up.
Raises redis.RedisError.
"""

from collections.abc import Iterable
from multiprocessing.sharedctypes import RawValue
from typing import Any, Final

from django.conf import settings

from routing.dispatch.lua_prelude import ALIVE_SECONDS
from routing.dispatch.schedule import TIMEOUT_SECONDS
from routing.redis.client import get_client
from routing.redis.keys import consumed_key, workers_key

# Shared with the processes that are forked from this one.
_STEPS: Final = RawValue("L", 0)


def record_step() -> None:
    """A task goes on: one of many leads takes minutes when each has to wait. Two at once may count as one."""
    _STEPS.value += 1


def count_steps() -> int:
    """How often this process, or one that was forked from it, has gone on with a task."""
    return int(_STEPS.value)


def write_worker_heartbeat(
    name: str, *, shards: Iterable[int] | None = None, silent_seconds: float = 0.0
) -> None:
    """`shards`: those whose ready queues it takes from; None: all. `silent_seconds`: since when its pool runs nothing.

    Silent for longer than ALIVE_SECONDS it is not counted, and takes from no queue.
    """
    now = _now()
    taken_from = range(settings.LEADSWITCH_READY_SHARDS) if shards is None else shards
    is_silent = silent_seconds > ALIVE_SECONDS
    said: dict[Any, Any] = {} if is_silent else {str(shard): now for shard in taken_from}
    with get_client(TIMEOUT_SECONDS).pipeline() as pipeline:
        pipeline.zadd(workers_key(), {name: now - int(silent_seconds)})
        pipeline.zremrangebyscore(workers_key(), "-inf", now - 3600)
        if said:
            pipeline.hset(consumed_key(), mapping=said)
        pipeline.execute()


def count_alive() -> int:
    return int(get_client(TIMEOUT_SECONDS).zcount(workers_key(), _now() - ALIVE_SECONDS, "+inf"))


def _now() -> int:
    seconds, _ = get_client(TIMEOUT_SECONDS).time()
    return int(seconds)

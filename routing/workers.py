"""How many workers are alive: each says so every few seconds, from the process that consumes (PITFALLS 10), and for how
long no process of its pool has run anything.

Raises redis.RedisError.
"""

from typing import Final

from routing.keys import workers_key
from routing.redisclient import get_client
from routing.schedule import TIMEOUT_SECONDS

ALIVE_SECONDS: Final = 15


def say_alive(name: str, *, silent_seconds: float = 0.0) -> None:
    """A worker whose pool has been silent for longer than ALIVE_SECONDS is not counted."""
    with get_client(TIMEOUT_SECONDS).pipeline() as pipeline:
        pipeline.zadd(workers_key(), {name: _now() - int(silent_seconds)})
        pipeline.zremrangebyscore(workers_key(), "-inf", _now() - 3600)
        pipeline.execute()


def count_alive() -> int:
    return int(get_client(TIMEOUT_SECONDS).zcount(workers_key(), _now() - ALIVE_SECONDS, "+inf"))


def _now() -> int:
    seconds, _ = get_client(TIMEOUT_SECONDS).time()
    return int(seconds)

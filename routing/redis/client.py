"""The client of routing's own keys: one for each process and timeout. Its pool is safe after a fork.

It never retries by itself: a command whose reply was lost would run twice. The caller handles the failure.
"""

from functools import cache
from typing import Final

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from routing.redis.keys import probe_key

PROBE_SECONDS: Final = 10


@cache
def get_client(timeout_seconds: float) -> redis.Redis:
    """Return a client that raises redis.RedisError after waiting this long."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=timeout_seconds,
        socket_timeout=timeout_seconds,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
    )


def prove_writable(timeout_seconds: float) -> None:
    """Write a small key. A Redis that responds may refuse writes: full, read-only, loading, busy. Raises RedisError."""
    get_client(timeout_seconds).set(probe_key(), 1, ex=PROBE_SECONDS)

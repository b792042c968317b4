"""The client of routing's own keys. One a process and time-out; its pool notices a fork.

It never retries by itself: a command whose reply was lost would run twice. The caller decides what a failure costs.
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
    """Return a client whose every wait ends with redis.RedisError after so long."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=timeout_seconds,
        socket_timeout=timeout_seconds,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
    )


def prove_writable(timeout_seconds: float) -> None:
    """Write something small. One that answers may still refuse: full, read-only, loading, busy. Raises RedisError."""
    get_client(timeout_seconds).set(probe_key(), 1, ex=PROBE_SECONDS)

"""The client of routing's own keys. One a process and time-out; its pool notices a fork.

It never tries again by itself (PITFALLS 21): whoever calls decides what a failure costs.
"""

from functools import cache

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry


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

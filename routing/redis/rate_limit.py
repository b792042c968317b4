"""Limits how often an API key or a user of the admin may send requests.

One atomic script decides, by Redis' clock; DRF's throttles are not atomic.

A bucket of `burst` requests that refills evenly, stored as one number: the moment at which it is full again (the
generic cell rate algorithm, ITU-T I.371). While Redis does not respond, everything passes: the limit protects the
product from a runaway client, and must not itself be what takes the API down.
"""

import logging
import math
from dataclasses import dataclass
from functools import cache
from typing import Final

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.retry import Retry

from routing.metrics.intake import RATE_LIMITS_UNCHECKED, REQUESTS_REFUSED
from routing.redis.breaker import Breaker
from routing.redis.keys import rate_limit_key

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS: Final = 0.25
# Times are microseconds of the server's clock: exact in a double for another 250 years.
TAKE: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local cost, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
local room = now + cost * burst - full_at
if room < cost then
    return {0, 0, full_at - now, cost - room}
end
full_at = full_at + cost
redis.call('SET', KEYS[1], string.format('%.0f', full_at), 'PX', math.ceil((full_at - now) / 1000))
return {1, math.floor((room - cost) / cost), full_at - now, 0}
"""
BREAKER: Final = Breaker(lambda: settings.LEADSWITCH_TUNING.redis_pause_seconds)


@dataclass(frozen=True, slots=True)
class RateLimit:
    """`requests_a_minute` is the average rate; `burst` requests may come at once after a pause."""

    requests_a_minute: int
    burst: int

    @property
    def microseconds_each(self) -> int:
        return math.ceil(60_000_000 / self.requests_a_minute)


@dataclass(frozen=True, slots=True)
class Allowance:
    """The decision for a request. `reset_seconds`: until the bucket is full. `wait_seconds`: until a request passes."""

    is_allowed: bool
    limit: int
    remaining: int
    reset_seconds: int
    wait_seconds: int


def take(kind: str, name: str) -> Allowance | None:
    """Count one request of an API key or of a user. None: Redis did not respond; let the request pass."""
    if BREAKER.is_open:
        RATE_LIMITS_UNCHECKED.labels(cause="redis_paused").inc()
        return None
    limit = RateLimit(*settings.LEADSWITCH_RATE_LIMITS[kind])
    try:
        answer = _script()(keys=[rate_limit_key(kind, name)], args=[limit.microseconds_each, limit.burst])
    except redis.RedisError as error:
        BREAKER.trip()
        cause = type(error).__name__
        RATE_LIMITS_UNCHECKED.labels(cause=cause).inc()
        logger.warning("routing.rate_limit_unchecked", extra={"cause": cause})
        return None
    passed, remaining, full_in, wait = (int(number) for number in answer)
    if not passed:
        REQUESTS_REFUSED.labels(kind=kind).inc()
    return Allowance(
        is_allowed=bool(passed),
        limit=limit.burst,
        remaining=remaining,
        reset_seconds=_whole_seconds(full_in),
        wait_seconds=_whole_seconds(wait),
    )


def _whole_seconds(microseconds: int) -> int:
    return math.ceil(microseconds / 1_000_000)


@cache
def _script() -> Script:
    """One client per process; its pool is safe after a fork. No retry: a request must not wait twice."""
    client = redis.Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=TIMEOUT_SECONDS,
        socket_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    return client.register_script(TAKE)

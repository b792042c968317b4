"""A separate Redis, which the product uses during the test."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from leadswitch.embedded import redis as embedded_redis
from leadswitch.embedded.paths import ServicePaths, make_directories
from routing.dispatch import schedule
from routing.redis import outage, rate_limit
from routing.redis.client import get_client


@pytest.fixture
def own_redis(tmp_path: Path, settings: Any) -> Iterator["redis.Redis[str]"]:
    paths = ServicePaths.of(tmp_path)
    make_directories(paths)
    embedded_redis.start(paths)
    settings.REDIS_URL = embedded_redis.redis_url(paths)
    forget_clients()
    with redis.Redis.from_url(settings.REDIS_URL, decode_responses=True) as client:
        yield client
    forget_clients()
    embedded_redis.stop(paths)


def forget_clients() -> None:
    """Clients keep the address that they were created for, and one test's outage must not reach the next test."""
    for cached in (get_client, schedule._script, rate_limit._script):
        cached.cache_clear()
    for module in (outage, rate_limit):
        module.BREAKER.reset()

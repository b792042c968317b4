"""A separate Redis that the product of this process uses for a while."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.test import override_settings

from leadswitch.embedded import redis as embedded_redis
from leadswitch.embedded.paths import ServicePaths, make_directories
from routing.dispatch import redis_state, schedule
from routing.redis import outage, rate_limit
from routing.redis.client import get_client


@contextmanager
def using_own_redis(directory: Path) -> Iterator[ServicePaths]:
    """The block may stop the server."""
    paths = ServicePaths.of(directory)
    make_directories(paths)
    embedded_redis.start(paths)
    try:
        with override_settings(REDIS_URL=embedded_redis.redis_url(paths)):
            forget_clients()
            yield paths
    finally:
        forget_clients()
        embedded_redis.stop(paths)


def forget_clients() -> None:
    """Clients keep the address that they were created for, and one test's outage must not reach the next test."""
    for cached in (get_client, schedule._script, rate_limit._script):
        cached.cache_clear()
    for module in (outage, rate_limit, redis_state):
        module.BREAKER.reset()

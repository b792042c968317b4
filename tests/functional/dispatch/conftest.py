"""An empty schedule, a leader, and a Redis outage."""

import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from routing.dispatch import publish, schedule
from routing.dispatch.leadership import acquire_leadership
from routing.dispatch.schedule import Leader
from routing.redis import outage
from routing.redis.client import get_client

if TYPE_CHECKING:
    import redis


@pytest.fixture(autouse=True)
def closed_breakers() -> Iterator[None]:
    """Clears one test's outage before the next test."""
    yield
    from routing.dispatch import (
        redis_state,  # loads tables, and this file is loaded before the apps are
    )

    for module in (outage, publish, redis_state):
        module.BREAKER.reset()


@pytest.fixture
def leader(redis_client: "redis.Redis[str]") -> Leader:
    """The leadership, for a test that claims leads."""
    assert redis_client.ping()
    won, is_new = acquire_leadership("test", lease_ms=600_000, least_epoch=0)
    assert won is not None
    assert is_new
    return won


@pytest.fixture(params=["refuses", "is silent"])
def no_redis(
    request: pytest.FixtureRequest,
    settings: Any,
    redis_client: "redis.Redis[str]",  # noqa: ARG001 - it needs the Redis that responds, so it comes first
) -> Iterator[str]:
    """Redis refuses connections, or accepts them and never answers. Gives the name of the error."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if request.param == "is silent":
            server.listen(16)
        settings.REDIS_URL = f"redis://127.0.0.1:{server.getsockname()[1]}/0"
        forget_clients()
        yield "TimeoutError" if request.param == "is silent" else "ConnectionError"
    forget_clients()


def forget_clients() -> None:
    """Clients keep the address that they were created for."""
    get_client.cache_clear()
    schedule._script.cache_clear()

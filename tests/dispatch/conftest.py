"""An empty schedule, and what was published to the ready queues."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from routing import outage, schedule, wake
from routing.schedule import Leader

if TYPE_CHECKING:
    import redis


@pytest.fixture(autouse=True)
def closed_breakers() -> Iterator[None]:
    """One test's outage is not the next one's."""
    yield
    outage.BREAKER.reset()
    wake.BREAKER.reset()


@pytest.fixture
def leader(redis_client: "redis.Redis[str]") -> Leader:
    """The leadership, for a test that takes."""
    assert redis_client.ping()
    won, is_new = schedule.claim_lead("test", lease_ms=600_000, least_epoch=0)
    assert won is not None
    assert is_new
    return won

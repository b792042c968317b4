"""An empty schedule, and what was published to the ready queues."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from routing import outage, schedule, wake
from routing.schedule import Lead

if TYPE_CHECKING:
    import redis


@pytest.fixture(autouse=True)
def closed_breakers() -> Iterator[None]:
    """One test's outage is not the next one's."""
    yield
    outage.BREAKER.reset()
    wake.BREAKER.reset()


@pytest.fixture
def lead(redis_client: "redis.Redis[str]") -> Lead:
    """The leadership, for a test that takes."""
    assert redis_client.ping()
    won, is_new = schedule.lead("test", lease_ms=600_000, least_epoch=0)
    assert won is not None
    assert is_new
    return won

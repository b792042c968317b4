"""Leads that Redis has lost are found, whichever key has vanished."""

from typing import TYPE_CHECKING, Any

import pytest

from routing.dispatch import schedule
from routing.dispatch.schedule import Release
from routing.redis import keys
from tests.conftest import remove_keys
from tests.support.times import HOUR, due, later

if TYPE_CHECKING:
    import redis


pytestmark = pytest.mark.usefixtures("redis_client")


def test_lost_lead_is_missing_or_scheduled_too_late(redis_client: "redis.Redis[str]") -> None:
    put = [due(1), later(2), later(3, ahead=2 * HOUR)]
    schedule.put(put)
    assert schedule.find_lost(put) == set()
    in_an_hour = later(3)  # the index has a later time than the row: the put of the earlier one was lost
    assert schedule.find_lost([due(1), later(2), in_an_hour, later(4), due(5)]) == {3, 4, 5}
    remove_keys(redis_client)
    assert schedule.find_lost(put) == {1, 2, 3}


@pytest.mark.parametrize(
    ("key", "lost"),
    [("schedule", {2}), ("schedule:1", {2}), ("inflight", {1}), ("leases", set()), ("ready:2", set())],
)
def test_any_single_key_may_vanish(
    redis_client: "redis.Redis[str]", settings: Any, key: str, lost: set[int]
) -> None:
    """Either the lead is found as lost, or its lease expires like any other."""
    schedule.put([due(1), later(2)])
    assert redis_client.delete(f"{{{settings.LEADSWITCH_REDIS_PREFIX}}}:{key}") == (
        1 if key != "ready:2" else 0
    )
    assert schedule.find_lost([due(1), later(2)]) == lost
    schedule.put([due(1), later(2)])
    assert schedule.find_lost([due(1), later(2)]) == set()
    [expired] = all_leases(redis_client)
    assert schedule.release([Release(1, expired)]) == [True]


def all_leases(client: "redis.Redis[str]") -> list[int]:
    return [int(score) for _, score in client.zrange(keys.inflight_key(), 0, -1, withscores=True)]

"""One dispatcher leads: it renews its lease, and a leader that slept past the lease claims nothing."""

from typing import TYPE_CHECKING

import pytest

from routing.dispatch import schedule, scripts
from routing.dispatch.leadership import acquire_leadership, resign
from routing.dispatch.schedule import Leader, NotLeading
from routing.redis import keys
from tests.conftest import remove_keys
from tests.support.schedule_state import fill_behind_a_pause, waiting
from tests.support.times import due, ids
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    import redis

pytestmark = pytest.mark.usefixtures("redis_client")


def test_one_dispatcher_leads_and_renews(redis_client: "redis.Redis[str]") -> None:
    """Compare and renew in one step. A rival changes nothing."""
    one, is_new = acquire_leadership("one", lease_ms=600_000, least_epoch=0)
    assert (one, is_new) == (Leader("one", 1), True)
    assert acquire_leadership("two", lease_ms=1, least_epoch=50) == (None, False)
    assert acquire_leadership("one", lease_ms=600_000, least_epoch=0) == (Leader("one", 1), False)
    assert redis_client.pttl(keys.dispatcher_key()) > 1_000
    resign("two")
    assert redis_client.get(keys.dispatcher_key()) == "one"
    resign("one")
    assert acquire_leadership("two", lease_ms=600_000, least_epoch=0) == (Leader("two", 2), True)


def test_epoch_is_never_reused(redis_client: "redis.Redis[str]") -> None:
    """Not even after a flush: PostgreSQL stores the last one."""
    remove_keys(redis_client)
    assert acquire_leadership("one", lease_ms=600_000, least_epoch=41) == (Leader("one", 42), True)


def test_leader_that_slept_past_its_lease_claims_nothing(redis_client: "redis.Redis[str]") -> None:
    fill_behind_a_pause(redis_client, [due(1)])
    asleep, _ = acquire_leadership("same-name", lease_ms=1, least_epoch=0)
    wait_until(lambda: not redis_client.exists(keys.dispatcher_key()), what="the end of the leader's lease")
    assert asleep is not None
    with pytest.raises(NotLeading):
        schedule.claim_batch(asleep, limit=10)
    awake, _ = acquire_leadership("same-name", lease_ms=600_000, least_epoch=0)  # as a restarted process
    with pytest.raises(NotLeading):
        schedule.claim_batch(asleep, limit=10)
    assert waiting(redis_client) != {}
    assert awake is not None
    assert ids(schedule.claim_batch(awake, limit=10).leads) == [1]


def test_control_without_the_epoch_check_it_claims(
    redis_client: "redis.Redis[str]", monkeypatch: pytest.MonkeyPatch
) -> None:
    """A leader that slept claims leads in another's term."""
    fence = "if redis.call('GET', DISPATCHER) ~= ARGV[1] or redis.call('GET', EPOCH) ~= ARGV[2] then return {-1} end"
    assert fence in scripts.CLAIM_BATCH
    monkeypatch.setattr(scripts, "CLAIM_BATCH", scripts.CLAIM_BATCH.replace(fence, ""))
    fill_behind_a_pause(redis_client, [due(1)])
    asleep, _ = acquire_leadership("one", lease_ms=1, least_epoch=0)
    wait_until(lambda: not redis_client.exists(keys.dispatcher_key()), what="the end of the leader's lease")
    acquire_leadership("two", lease_ms=600_000, least_epoch=0)
    assert asleep is not None
    assert ids(schedule.claim_batch(asleep, limit=10).leads) == [1]

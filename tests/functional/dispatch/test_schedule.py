"""The schedule's scripts on a real Redis: the effect of each call, and that a repeated call changes nothing."""

from typing import TYPE_CHECKING, Any
from zlib import crc32

import pytest

from routing.dispatch import mirror, schedule
from routing.dispatch.schedule import Leader, Release
from routing.dispatch.sizes import read_sizes
from routing.redis import keys
from tests.support.schedule_state import fill_behind_a_pause, hold_started, inflight, waiting
from tests.support.times import HOUR, due, ids, later, pairs
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    import redis

pytestmark = pytest.mark.usefixtures("redis_client")


def test_lead_due_now_is_in_flight_at_once(redis_client: "redis.Redis[str]") -> None:
    assert pairs(schedule.put([due(1), due(2, 7)])) == [(1, 1), (2, 7)]
    assert inflight(redis_client) == {1, 2}
    assert read_sizes().waiting == 0


def test_lead_due_later_waits_to_the_millisecond(redis_client: "redis.Redis[str]") -> None:
    lead = later(1)
    lead = lead._replace(due_at=lead.due_at.replace(microsecond=1_001))
    assert schedule.put([lead]) == []
    assert waiting(redis_client) == {1: int(lead.due_at.timestamp()) * 1000 + 2}  # never early


def test_put_twice_changes_nothing(redis_client: "redis.Redis[str]") -> None:
    leads = [due(1), later(2)]
    assert ids(schedule.put(leads)) == [1]
    before = waiting(redis_client)
    assert schedule.put(leads) == []
    assert inflight(redis_client) == {1}
    assert waiting(redis_client) == before


@pytest.mark.parametrize("is_first_later", [True, False])
def test_puts_in_any_order_leave_the_earliest(
    redis_client: "redis.Redis[str]", *, is_first_later: bool
) -> None:
    """Two processes that write one after the other in PostgreSQL may reach Redis in the opposite order."""
    early, late = later(1, ahead=HOUR), later(1, ahead=2 * HOUR)
    for each in [late, early] if is_first_later else [early, late]:
        schedule.put([each])
    assert waiting(redis_client) == {1: schedule.to_ms(early.due_at)}


def test_lead_that_is_made_due_leaves_the_index(redis_client: "redis.Redis[str]") -> None:
    schedule.put([later(1)])
    assert ids(schedule.put([due(1)])) == [1]
    assert waiting(redis_client) == {}
    assert redis_client.zrange(keys.schedule_key(), 0, -1) == []


def test_no_lead_overtakes_the_others_of_its_workspace(settings: Any, leader: Leader) -> None:
    settings.LEADSWITCH_READY_LIMIT = 2
    assert ids(schedule.put([due(1), due(2), due(3)])) == [1, 2]
    schedule.start([1, 2])  # there is room again, and lead 3 was there first
    assert schedule.put([due(4)]) == []
    assert ids(schedule.claim_batch(leader, limit=10).leads) == [3, 4]


def test_ready_queue_is_kept_short(settings: Any, leader: Leader) -> None:
    settings.LEADSWITCH_READY_LIMIT = 3
    assert ids(schedule.put([due(number) for number in range(5)])) == [0, 1, 2]
    take = schedule.claim_batch(leader, limit=10)
    assert (take.leads, take.is_blocked, take.is_more) == ([], True, False)
    schedule.start([0, 1])
    take = schedule.claim_batch(leader, limit=10)
    assert (ids(take.leads), take.is_blocked) == ([3, 4], False)


def test_claimed_leads_are_in_flight_in_due_order(redis_client: "redis.Redis[str]", leader: Leader) -> None:
    """One script moves and leases, so a lead is never nowhere."""
    fill_behind_a_pause(
        redis_client, [due(1, ago=HOUR), due(2, ago=3 * HOUR), due(3, ago=2 * HOUR), later(4)]
    )
    take = schedule.claim_batch(leader, limit=2)
    assert (ids(take.leads), take.is_more) == ([2, 3], True)
    assert inflight(redis_client) == {2, 3}
    take = schedule.claim_batch(leader, limit=2, published=take.number)
    assert (ids(take.leads), take.is_more) == ([1], False)
    assert take.next_due_seconds == pytest.approx(3600, abs=60)
    assert schedule.claim_batch(leader, limit=2, published=take.number).leads == []


@pytest.mark.parametrize("is_product", [True, False])
def test_paused_leads_are_not_claimed(
    redis_client: "redis.Redis[str]", leader: Leader, *, is_product: bool
) -> None:
    """They stay in the schedule: no process claims and drops them, or claims and requeues them."""
    key = keys.paused_key() if is_product else keys.workspace_paused_key(1)
    redis_client.set(key, 1)
    assert schedule.put([due(1)]) == []
    take = schedule.claim_batch(leader, limit=10)
    assert (take.leads, take.is_more, take.is_blocked) == ([], False, False)
    others = schedule.put([due(2, 2)])
    assert ids(others) == ([] if is_product else [2])
    redis_client.delete(key)
    assert ids(schedule.claim_batch(leader, limit=10).leads) == ([1, 2] if is_product else [1])


def test_lead_in_flight_is_not_claimed_again(redis_client: "redis.Redis[str]", leader: Leader) -> None:
    """Its time was written again while a worker had it. It becomes due when the worker is done."""
    deadline_ms = hold_started(1)
    assert schedule.put([due(1)]) == []
    assert schedule.claim_batch(leader, limit=10).leads == []
    assert waiting(redis_client) == {1: deadline_ms}
    assert schedule.release([Release(1, deadline_ms)]) == [True]
    assert ids(schedule.claim_batch(leader, limit=10).leads) == [1]


def test_workers_new_time_does_not_undo_an_operators(leader: Leader) -> None:
    """Run again now, while the attempt before defers the lead until tomorrow."""
    deadline_ms = hold_started(1)
    schedule.put([due(1)])
    schedule.release([Release(1, deadline_ms, later(1).due_at, 1)])
    assert ids(schedule.claim_batch(leader, limit=10).leads) == [1]


def test_put_of_a_queued_lead_is_left_to_its_worker(redis_client: "redis.Redis[str]") -> None:
    schedule.put([due(1)])
    assert schedule.put([later(1)]) == []
    assert waiting(redis_client) == {}


def test_only_one_worker_starts_a_lead() -> None:
    """Two messages of one lead: the second is refused while the first runs, and after it has ended."""
    deadline_ms = hold_started(1)
    assert schedule.start([1]) == [None]
    schedule.release([Release(1, deadline_ms)])
    assert schedule.start([1, 99]) == [None, None]


def test_starting_renews_the_lease(settings: Any, redis_client: "redis.Redis[str]") -> None:
    settings.LEADSWITCH_LEASE_SECONDS = 100
    schedule.put([due(1)])
    handed_until = redis_client.zscore(keys.inflight_key(), "1")
    settings.LEADSWITCH_LEASE_SECONDS = 200
    [started_until] = schedule.start([1])
    assert handed_until is not None
    assert started_until is not None
    assert started_until - handed_until == pytest.approx(100_000, abs=60_000)


def test_only_the_holder_ends_a_lease(settings: Any, redis_client: "redis.Redis[str]") -> None:
    """A worker that slept past its lease does not end the next worker's lease."""
    settings.LEADSWITCH_LEASE_SECONDS = 0.001
    old = hold_started(1)
    wait_until(lambda: bool(schedule.find_expired(limit=1)), what="the end of a lease")
    settings.LEADSWITCH_LEASE_SECONDS = 600
    [new] = schedule.start([1])
    assert schedule.release([Release(1, old)]) == [False]
    assert inflight(redis_client) == {1}
    assert schedule.release([Release(1, new)]) == [True]
    assert schedule.release([Release(1, new)]) == [False]
    assert inflight(redis_client) == set()


def test_end_with_a_due_time_requeues_the_lead(redis_client: "redis.Redis[str]") -> None:
    deadline_ms = hold_started(1)
    lead = later(1, 5)
    schedule.release([Release(1, deadline_ms, lead.due_at, 5)])  # it was routed to another workspace
    assert waiting(redis_client, 5) == {1: schedule.to_ms(lead.due_at)}
    assert waiting(redis_client, 1) == {}


def test_end_can_use_the_clock_of_redis(redis_client: "redis.Redis[str]", leader: Leader) -> None:
    deadline_ms = hold_started(1)
    schedule.release(
        [Release(1, deadline_ms, due(1).due_at, wait_ms=60_000)]
    )  # the workspace is that of the lease
    assert set(waiting(redis_client)) == {1}
    assert schedule.claim_batch(leader, limit=10).leads == []
    assert schedule.claim_batch(leader, limit=10).next_due_seconds == pytest.approx(60, abs=30)


def test_expired_leases_are_found_oldest_first(settings: Any) -> None:
    settings.LEADSWITCH_LEASE_SECONDS = 0.001
    schedule.put([due(1, 7)])
    schedule.start([1])
    schedule.put([due(2, 7)])
    wait_until(lambda: len(schedule.find_expired(limit=5)) == 2, what="the end of two leases")
    first, second = schedule.find_expired(limit=5)
    assert (first.lead_id, first.workspace_id, first.is_started) == (1, 7, True)
    assert (second.lead_id, second.workspace_id, second.is_started) == (2, 7, False)
    assert schedule.find_expired(offset=1, limit=5) == [second]


def test_withdrawn_leads_do_not_become_due(redis_client: "redis.Redis[str]", leader: Leader) -> None:
    """A lead that ended must leave the schedule too."""
    fill_behind_a_pause(redis_client, [due(1), due(2), later(3, 2)])
    assert schedule.withdraw([(1, 1), (3, 2), (99, 1)]) == 2
    assert schedule.withdraw([(1, 1)]) == 0
    take = schedule.claim_batch(leader, limit=10)
    assert (ids(take.leads), take.next_due_seconds) == ([2], None)


def test_dropped_workspace_leaves_the_others(redis_client: "redis.Redis[str]", leader: Leader) -> None:
    fill_behind_a_pause(redis_client, [due(1), later(2), due(3, 2)])
    assert mirror.drop_others(1, mode="poll", version=1) == 2
    assert ids(schedule.claim_batch(leader, limit=10).leads) == [3]


def test_leads_are_counted_by_shard(settings: Any, redis_client: "redis.Redis[str]") -> None:
    settings.LEADSWITCH_READY_SHARDS = 2
    of_shard = {keys.shard_of(number, shards=2): number for number in range(20)}
    fill_behind_a_pause(redis_client, [due(1, of_shard[0]), later(2, of_shard[0]), later(3, of_shard[1])])
    schedule.put([due(4, of_shard[1])])
    sizes = read_sizes()
    assert [(each.waiting, each.overdue, each.ready) for each in sizes.shards] == [(2, 1, 0), (1, 0, 1)]
    assert (sizes.inflight, sizes.waiting, sizes.overdue, sizes.ready) == (1, 3, 1, 1)
    assert sizes.overdue_seconds == pytest.approx(3600, abs=60)


# --- fairness -------------------------------------------------------------------------------------------------


def test_scripts_are_loaded_again_when_redis_forgot_them(redis_client: "redis.Redis[str]") -> None:
    """Redis forgets scripts when it restarts: the text is sent again."""
    schedule.put([due(1)])
    redis_client.script_flush()
    assert ids(schedule.put([due(2)])) == [2]


def test_all_keys_share_one_hash_tag(redis_client: "redis.Redis[str]", settings: Any, leader: Leader) -> None:
    """A script may only use keys of one slot."""
    schedule.put([due(1), later(2)])
    schedule.start([1])
    schedule.claim_batch(leader, limit=1)
    found = list(redis_client.scan_iter("*"))
    tag = f"{{{settings.LEADSWITCH_REDIS_PREFIX}}}:"
    assert len([key for key in found if settings.LEADSWITCH_REDIS_PREFIX in key]) >= 6
    assert [key for key in found if settings.LEADSWITCH_REDIS_PREFIX in key and not key.startswith(tag)] == []


def test_python_and_lua_agree_about_shards(settings: Any) -> None:
    """Python's hash() differs between processes, so shards use crc32."""
    settings.LEADSWITCH_READY_SHARDS = 7
    for workspace_id in (1, 9, 10, 4711, 2**31, 2**53 - 1):
        schedule.put([due(workspace_id, workspace_id)])
        ready = [each.ready for each in read_sizes().shards]
        schedule.release([Release(workspace_id, None)])
        shard = crc32(str(workspace_id).encode()) % 7
        assert ready == [int(number == shard) for number in range(7)]
        assert keys.shard_of(workspace_id, shards=7) == shard


# --- waking the dispatcher ------------------------------------------------------------------------------------


def test_only_an_earlier_due_time_is_announced_once_a_batch(
    redis_client: "redis.Redis[str]", leader: Leader
) -> None:
    with redis_client.pubsub() as channel:
        channel.subscribe(keys.wake_key())
        assert channel.get_message(timeout=10) is not None  # Redis may read another connection first
        for put, is_published in [
            (later(1, ahead=3 * HOUR), True),
            (later(2, ahead=2 * HOUR), False),  # the dispatcher has not looked since
        ]:
            schedule.put([put])
            assert is_heard(channel, redis_client) == is_published
        schedule.claim_batch(leader, limit=1)
        schedule.put([later(3, ahead=3 * HOUR)])
        assert not is_heard(channel, redis_client)  # not earlier than lead 2
        schedule.put([later(4, ahead=HOUR)])
        assert is_heard(channel, redis_client)


def is_heard(channel: Any, client: "redis.Redis[str]") -> bool:
    """Whether anything was announced before this message, which the test itself sends."""
    client.publish(keys.wake_key(), "end")
    heard: list[str] = []

    def is_at_end() -> bool:
        message = channel.get_message(timeout=1)
        if message is not None:
            heard.append(message["data"])
        return heard[-1:] == ["end"]

    wait_until(is_at_end, what="the end of the announcements")
    return heard != ["end"]

"""Dispatched leads that were not published are requeued at once, not when their leases end."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from routing.dispatch import enqueue, schedule, scripts
from routing.dispatch.leadership import acquire_leadership, resign
from routing.dispatch.schedule import Leader, Release
from routing.dispatch.sizes import read_sizes
from routing.redis import keys
from tests.support.times import HOUR, due, ids, later

if TYPE_CHECKING:
    import redis

pytestmark = pytest.mark.usefixtures("redis_client")


@pytest.fixture
def old_puts(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unconfirmed put counts as lost at once."""
    monkeypatch.setattr(schedule, "UNCONFIRMED_MS", 0)


@pytest.fixture(autouse=True)
def nothing_said() -> Iterator[None]:
    """Clears one test's publications before the next test."""
    schedule._PUBLISHED.clear()
    yield
    schedule._PUBLISHED.clear()


def put_behind_a_pause(client: "redis.Redis[str]", leads: list[schedule.Due]) -> None:
    client.set(keys.paused_key(), 1)
    assert schedule.put(leads) == []
    client.delete(keys.paused_key())


def unconfirmed(client: "redis.Redis[str]") -> set[int]:
    return {int(lead) for key in (keys.claimed_key(), keys.puts_key()) for lead in client.zrange(key, 0, -1)}


# --- claims ---


@pytest.fixture
def taken(redis_client: "redis.Redis[str]", leader: Leader) -> schedule.Batch:
    """Three leads that were claimed in due order, the first of two claims."""
    put_behind_a_pause(redis_client, [due(number, ago=(9 - number) * HOUR) for number in (1, 2, 3, 4)])
    take = schedule.claim_batch(leader, limit=3)
    assert ids(take.leads) == [1, 2, 3]
    return take


def test_repeated_claim_returns_the_same_leads(leader: Leader, taken: schedule.Batch) -> None:
    """The answer to the first claim was lost."""
    again = schedule.claim_batch(leader, limit=3)
    assert (ids(again.leads), again.returned) == (ids(taken.leads), 3)
    assert again.number != taken.number


def test_published_batch_is_not_claimed_again(
    redis_client: "redis.Redis[str]", leader: Leader, taken: schedule.Batch
) -> None:
    second = schedule.claim_batch(leader, limit=3, published=taken.number)
    assert (ids(second.leads), second.returned) == ([4], 0)
    assert unconfirmed(redis_client) == {4}
    last = schedule.claim_batch(leader, limit=3, published=second.number)
    assert (last.leads, last.number) == ([], second.number)
    assert unconfirmed(redis_client) == set()
    assert read_sizes().inflight == 4


def test_next_leader_claims_the_last_ones_unpublished_leads(leader: Leader, taken: schedule.Batch) -> None:
    resign(leader.name)
    following, _ = acquire_leadership("following", lease_ms=600_000, least_epoch=0)
    assert following is not None
    take = schedule.claim_batch(following, limit=10)
    assert (ids(take.leads), take.returned) == ([*ids(taken.leads), 4], 3)


def test_late_claim_confirms_nothing_else(leader: Leader, taken: schedule.Batch) -> None:
    """It was sent before the batch that is published now, but reached Redis after it."""
    second = schedule.claim_batch(leader, limit=3)
    late = schedule.claim_batch(leader, limit=3, published=taken.number)  # its answer is not read
    assert late.returned == len(second.leads)
    third = schedule.claim_batch(leader, limit=4, published=second.number)
    assert sorted(ids(third.leads)) == [1, 2, 3, 4]


@pytest.mark.usefixtures("taken")
def test_started_lead_is_not_claimed_again(leader: Leader) -> None:
    [deadline_ms] = schedule.start([2])
    assert deadline_ms is not None
    again = schedule.claim_batch(leader, limit=2)
    assert (ids(again.leads), again.returned) == ([1, 3], 2)
    assert schedule.release([Release(2, deadline_ms)]) == [True]


@pytest.mark.usefixtures("taken")
def test_repeated_claim_during_a_pause_leaves_them_in_the_schedule(
    redis_client: "redis.Redis[str]", leader: Leader
) -> None:
    redis_client.set(keys.paused_key(), 1)
    again = schedule.claim_batch(leader, limit=3)
    assert (again.leads, again.returned) == ([], 3)
    assert (read_sizes().inflight, read_sizes().waiting) == (0, 4)


@pytest.mark.usefixtures("taken")
def test_two_messages_of_a_lead_start_it_once(leader: Leader) -> None:
    """Both of its claims were published, the first by a leader that had slept."""
    again = schedule.claim_batch(leader, limit=3)
    messages = [*ids(again.leads), *ids(again.leads)]
    assert [deadline is not None for deadline in schedule.start(messages)] == [True] * 3 + [False] * 3


def test_control_without_returning_they_wait_for_their_leases(
    leader: Leader, redis_client: "redis.Redis[str]", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Leads of a lost answer stay in flight until their leases end."""
    handing_back = "if number ~= ARGV[7] then"
    assert handing_back in scripts.CLAIM_BATCH
    monkeypatch.setattr(scripts, "CLAIM_BATCH", scripts.CLAIM_BATCH.replace(handing_back, "if false then"))
    put_behind_a_pause(redis_client, [due(1)])
    assert ids(schedule.claim_batch(leader, limit=3).leads) == [1]
    assert schedule.claim_batch(leader, limit=3).leads == []


# --- puts -----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("old_puts")
def test_unpublished_put_is_returned(redis_client: "redis.Redis[str]", leader: Leader) -> None:
    assert ids(schedule.put([due(1), due(2, 7)])) == [1, 2]
    assert schedule.requeue_unpublished() == 2
    assert unconfirmed(redis_client) == set()
    assert sorted(ids(schedule.claim_batch(leader, limit=10).leads)) == [1, 2]


def test_recent_put_may_be_on_its_way_to_the_broker() -> None:
    assert ids(schedule.put([due(1)])) == [1]
    assert schedule.requeue_unpublished() == 0


@pytest.mark.usefixtures("old_puts")
def test_repeated_put_returns_the_same_leads() -> None:
    assert ids(schedule.put([due(1)])) == [1]
    assert ids(schedule.put([due(1)])) == [1]
    assert read_sizes().inflight == 1


@pytest.mark.usefixtures("old_puts")
def test_next_put_confirms_the_publication(redis_client: "redis.Redis[str]") -> None:
    enqueue.publish(schedule.put([due(1), due(2)]), path="put")
    assert unconfirmed(redis_client) == {1, 2}
    schedule.put([later(3)])
    assert unconfirmed(redis_client) == set()
    assert schedule.requeue_unpublished() == 0


@pytest.mark.usefixtures("old_puts")
def test_publication_under_an_earlier_lease_confirms_nothing(redis_client: "redis.Redis[str]") -> None:
    """Another process has put the lead since, and may have died."""
    [published] = schedule.put([due(1)])
    enqueue.publish([published._replace(deadline_ms=published.deadline_ms - 1)], path="put")
    schedule.put([later(3)])
    assert unconfirmed(redis_client) == {1}


@pytest.mark.usefixtures("old_puts")
def test_started_put_is_confirmed(redis_client: "redis.Redis[str]") -> None:
    schedule.put([due(1)])
    assert schedule.start([1]) != [None]
    assert unconfirmed(redis_client) == set()
    assert schedule.put([due(1)]) == []
    assert schedule.requeue_unpublished() == 0


def test_refused_put_ends_only_its_own_lease(leader: Leader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the broker's refusal, the lead was requeued and started by a worker."""
    dispatched = schedule.put([due(1)])
    monkeypatch.setattr(schedule, "UNCONFIRMED_MS", 0)
    assert schedule.requeue_unpublished() == 1
    assert ids(schedule.claim_batch(leader, limit=1).leads) == [1]
    [deadline_ms] = schedule.start([1])
    monkeypatch.setattr(enqueue, "publish_ready", list)
    assert (
        enqueue.publish([dispatched[0]._replace(deadline_ms=dispatched[0].deadline_ms - 1)], path="put") == 0
    )
    assert deadline_ms is not None
    assert schedule.release([Release(1, deadline_ms)]) == [True]


def test_any_of_these_keys_may_vanish(
    redis_client: "redis.Redis[str]", leader: Leader, settings: Any
) -> None:
    """Then a lease expires like any other."""
    put_behind_a_pause(redis_client, [due(1)])
    take = schedule.claim_batch(leader, limit=1)
    for name in ("taken", "takes", "puts"):
        redis_client.delete(f"{{{settings.LEADSWITCH_REDIS_PREFIX}}}:{name}")
    again = schedule.claim_batch(leader, limit=1, published=take.number)
    assert (again.leads, again.returned, again.number) == ([], 0, 0)
    assert read_sizes().inflight == 1

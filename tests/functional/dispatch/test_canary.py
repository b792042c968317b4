"""Canaries pass through the same path as leads, one for each ready queue, and leave no trace."""

from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.utils import timezone

from distribution.tasks import process_leads
from routing.dispatch import canary, schedule
from routing.dispatch.canary import CanaryState, read_canary
from routing.dispatch.schedule import Leader
from routing.dispatch.sizes import read_sizes
from routing.models import Lead
from routing.redis import keys
from tests.support import switches
from tests.support.times import HOUR, due, ids
from tests.support.waiting import wait_until
from tracing.models import Attempt

if TYPE_CHECKING:
    import redis

pytestmark = pytest.mark.usefixtures("committed_db")

CANARIES = [-1, -2, -3, -4]


@pytest.fixture
def far_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Canaries that stay in the schedule, even on a slow machine."""
    monkeypatch.setattr(canary, "DUE_IN", HOUR)


def send_and_take(leader: Leader) -> list[int]:
    """Canaries in flight. On a slow machine a canary is due when it is put, and does not wait for a claim."""
    taken = ids(canary.send())

    def are_all() -> bool:
        taken.extend(ids(schedule.claim_batch(leader, limit=100).leads))
        return len(taken) >= len(CANARIES)

    wait_until(are_all, what="canaries that are due")
    return sorted(taken, reverse=True)


@pytest.mark.usefixtures("far_off")
def test_canary_for_each_ready_queue_is_scheduled(leader: Leader, settings: Any) -> None:
    assert read_canary() == CanaryState(None, None)
    assert canary.send() == []
    sent = read_canary()
    assert (sent.age_seconds, sent.out_seconds is not None) == (None, True)
    assert schedule.claim_batch(leader, limit=100).leads == []
    shards = settings.LEADSWITCH_READY_SHARDS
    homes = [keys.shard_of(canary.workspace_of(shard, shards), shards=shards) for shard in range(shards)]
    assert homes == [0, 1, 2, 3]


def test_canary_returns_when_those_of_all_queues_have_returned(leader: Leader) -> None:
    assert send_and_take(leader) == CANARIES
    process_leads(CANARIES[:3], is_leased=True)
    assert read_canary().age_seconds is None  # the slowest counts
    process_leads(CANARIES[3:], is_leased=True)

    back = read_canary()
    assert back.out_seconds is None
    assert back.age_seconds is not None
    assert not back.is_late
    assert (read_sizes().inflight, Lead.objects.count(), Attempt.objects.count()) == (0, 0, 0)


def test_lost_canary_is_replaced_and_missing_until_one_returns(leader: Leader) -> None:
    send_and_take(leader)  # and no worker gets the message
    with connection.cursor() as cursor:
        cursor.execute("UPDATE routing_canary SET out_since = out_since - interval '1 minute'")
    assert read_canary().is_late
    assert send_and_take(leader) == CANARIES
    assert read_canary().is_late
    process_leads(CANARIES, is_leased=True)
    assert read_canary().out_seconds is None


def test_old_message_proves_nothing(leader: Leader, monkeypatch: pytest.MonkeyPatch) -> None:
    send_and_take(leader)
    monkeypatch.setattr(canary, "DUE_IN", HOUR)
    assert canary.send() == []  # ends the leases
    process_leads(CANARIES, is_leased=True)
    assert read_canary().age_seconds is None


@pytest.mark.usefixtures("far_off")
def test_no_canary_is_missing_while_the_product_is_paused(redis_client: "redis.Redis[str]") -> None:
    canary.send()
    switches.pause_product(at=timezone.now(), actor="ops", reason="a doubt")
    assert canary.send() == []
    assert read_canary().out_seconds is None
    assert redis_client.exists(keys.schedule_of(canary.workspace_of(0, 4)))


@pytest.mark.usefixtures("far_off")
def test_scheduled_canaries_are_not_counted(redis_client: "redis.Redis[str]") -> None:
    canary.send()
    assert redis_client.exists(keys.schedule_of(canary.workspace_of(0, 4)))
    assert read_sizes().waiting == 0


def test_canaries_in_flight_are_not_counted(leader: Leader) -> None:
    send_and_take(leader)
    schedule.put([due(1)])
    schedule.start([-1])
    sizes = read_sizes()
    assert (sizes.waiting, sizes.overdue, sizes.ready, sizes.inflight) == (0, 0, 1, 1)
    assert sizes.overdue_seconds == 0

"""Canaries go the way of leads, once for each ready queue, and leave no trace of themselves."""

from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.utils import timezone

from distribution.tasks import process_leads
from routing import canary, keys, pauses, schedule
from routing.canary import Canary, read_canary
from routing.models import Lead
from routing.schedule import Leader
from tests.concurrency.racing import wait_until
from tests.dispatch.times import due, ids
from tracing.models import Attempt

if TYPE_CHECKING:
    import redis

pytestmark = pytest.mark.usefixtures("committed_db")

CANARIES = [-1, -2, -3, -4]


def take_canaries(leader: Leader) -> list[int]:
    """Those that are due: a moment after they were sent."""
    taken: list[int] = []

    def are_all() -> bool:
        taken.extend(ids(schedule.take_due(leader, limit=100).handed))
        return len(taken) >= len(CANARIES)

    wait_until(are_all, what="canaries that are due")
    return sorted(taken, reverse=True)


def test_one_goes_through_each_ready_queue_and_back(leader: Leader, settings: Any) -> None:
    assert read_canary() == Canary(None, None)
    assert canary.send() == []
    sent = read_canary()
    assert (sent.age_seconds, sent.out_seconds is not None) == (None, True)
    assert take_canaries(leader) == CANARIES
    shards = settings.LEADSWITCH_READY_SHARDS
    homes = [keys.shard_of(canary.workspace_of(shard, shards), shards=shards) for shard in range(shards)]
    assert homes == [0, 1, 2, 3]

    process_leads(CANARIES[:3], is_leased=True)
    assert read_canary().age_seconds is None  # the slowest counts
    process_leads(CANARIES[3:], is_leased=True)

    back = read_canary()
    assert back.out_seconds is None
    assert back.age_seconds is not None
    assert not back.is_late
    assert (schedule.read_sizes().inflight, Lead.objects.count(), Attempt.objects.count()) == (0, 0, 0)


def test_a_lost_one_is_replaced_and_stays_missing_until_one_comes_back(leader: Leader) -> None:
    canary.send()
    take_canaries(leader)  # and nobody gets the message
    with connection.cursor() as cursor:
        cursor.execute("UPDATE routing_canary SET out_since = out_since - interval '1 minute'")
    assert read_canary().is_late
    canary.send()
    assert read_canary().is_late
    take_canaries(leader)
    process_leads(CANARIES, is_leased=True)
    assert read_canary().out_seconds is None


def test_an_old_message_proves_nothing(leader: Leader) -> None:
    canary.send()
    take_canaries(leader)
    canary.send()  # ends the leases
    process_leads(CANARIES, is_leased=True)
    assert read_canary().age_seconds is None


def test_none_is_missed_while_the_product_is_paused(redis_client: "redis.Redis[str]") -> None:
    canary.send()
    pauses.pause_product(at=timezone.now(), actor="ops", reason="a doubt")
    assert canary.send() == []
    assert read_canary().out_seconds is None
    assert redis_client.exists(keys.schedule_of(canary.workspace_of(0, 4)))


def test_sizes_leave_them_out(leader: Leader) -> None:
    canary.send()
    assert schedule.read_sizes().waiting == 0
    take_canaries(leader)
    schedule.put([due(1)])
    schedule.start([-1])
    sizes = schedule.read_sizes()
    assert (sizes.waiting, sizes.overdue, sizes.ready, sizes.inflight) == (0, 0, 1, 1)
    assert sizes.overdue_seconds == 0

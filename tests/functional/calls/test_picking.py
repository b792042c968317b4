"""Who is picked: workspaces take turns, and leads without capacity for a call are not read."""

from datetime import timedelta
from typing import Any, Final

import pytest
from django.db import connection
from django.utils import timezone

from distribution.calls.begin import Begun, NotBegun, begin_call
from distribution.calls.channels import read_channels
from distribution.calls.picking import PICK, READ_CAPACITY, Picked, pick, read_capacity
from distribution.models import Call, Channel, Verification
from distribution.sql_arrays import array_literal
from routing.models import Workspace
from tests.support.factories import CallFactory, ChannelFactory, VerificationFactory
from tests.support.plans import read_by_table
from tests.support.planting import plant
from tests.support.waiting_leads import AT, let_wait

pytestmark = pytest.mark.usefixtures("committed_db")

MINUTE = timedelta(minutes=1)


def queue(channel: Channel, count: int, *, minutes_ago: int = 1) -> list[int]:
    """Verifications of the channel's workspace, the oldest first."""
    at = timezone.now() - minutes_ago * MINUTE
    return [
        VerificationFactory(
            lead__source__workspace=channel.workspace, due_at=at + number * timedelta(seconds=1)
        ).pk
        for number in range(count)
    ]


def test_workspaces_take_turns() -> None:
    one, two = ChannelFactory(lines=3), ChannelFactory(lines=2)
    first, second = queue(one, 4, minutes_ago=5), queue(two, 4)

    capacity = read_capacity()
    picked = [each.verification_id for each in pick(capacity.calls, limit=10)]

    assert capacity.calls == {one.workspace_id: 3, two.workspace_id: 2}
    assert picked == [first[0], second[0], first[1], second[1], first[2]]
    assert pick(capacity.calls, limit=2) == [
        Picked(first[0], one.workspace_id),
        Picked(second[0], two.workspace_id),
    ]


def test_those_on_their_way_are_left_out() -> None:
    channel = ChannelFactory(lines=2)
    ids = queue(channel, 3)
    assert [each.verification_id for each in pick({channel.workspace_id: 2}, limit=9, but=ids[:1])] == ids[1:]


@pytest.mark.parametrize("kind", ["later", "person", "none"])
def test_who_is_not_due_is_not_picked(kind: str) -> None:
    channel = ChannelFactory()
    queue(channel, 1)
    changes: dict[str, dict[str, Any]] = {
        "later": {"due_at": timezone.now() + MINUTE},
        "person": {"state": "person", "due_at": None},
    }
    Verification.objects.update(**changes.get(kind, {}))
    is_due = kind == "none"

    capacity = read_capacity()

    assert (bool(capacity.calls), capacity.seconds is not None) == (is_due, kind == "later")
    assert len(pick({channel.workspace_id: 1}, limit=1)) == is_due


def test_paused_workspaces_have_no_room() -> None:
    queue(ChannelFactory(), 1)
    Workspace.objects.update(paused_at=timezone.now())
    assert read_capacity().calls == {}


def test_full_channels_keep_their_queue_from_being_read() -> None:
    channel = ChannelFactory(lines=1)
    CallFactory(channel=channel, account=channel.account)
    queue(channel, 1)
    assert read_capacity().calls == {}


PLANT: Final = """
INSERT INTO distribution_verification (
    public_id, lead_id, workspace_id, campaign_id, attempt_id, state, due_at, opened_at
)
SELECT gen_random_uuid(), n + %(offset)s, %(workspace)s, 1, gen_random_uuid(), 'waiting',
    now() + (n - 100000) * interval '1 second', now()
FROM generate_series(1, 200000) n
"""


@pytest.fixture
def piles() -> list[Channel]:
    """In each of two workspaces 100,000 people are due and 100,000 wait. The first one has no free line."""
    full, free = ChannelFactory(lines=1), ChannelFactory(lines=5)
    for place, channel in enumerate((full, free), start=1):
        plant(PLANT, {"offset": place * 1_000_000, "workspace": channel.workspace_id})
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE distribution_verification")
    CallFactory(channel=full, account=full.account)
    return [full, free]


def test_long_queue_costs_what_a_short_one_costs(piles: list[Channel]) -> None:
    """Of each queue the first row is read, and then as many as there are free lines."""
    _, free = piles
    indexes, rows = read_by_table(READ_CAPACITY, None)["distribution_verification"]
    assert (indexes, rows) == ({"verification_queue"}, 2)
    assert read_capacity().calls == {free.workspace_id: 5}

    parameters = {
        "workspaces": array_literal([free.workspace_id]),
        "capacity": array_literal([5]),
        "except": array_literal([1, 2]),
        "limit": 8,
    }
    indexes, rows = read_by_table(PICK, parameters)["distribution_verification"]
    assert (indexes, rows) == ({"verification_queue"}, 5)


@pytest.mark.parametrize(
    "broken", [{"timezone": "Mars/Olympus"}, {"hours": {"mon": [["17:00", "09:00"]]}}], ids=["zone", "hours"]
)
def test_channel_whose_hours_cannot_be_read_stops_no_other(
    broken: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    bad, free = ChannelFactory(lines=3), ChannelFactory(lines=2)
    second = ChannelFactory(lines=4, account=bad.account)
    queue(bad, 1)
    queue(free, 1)
    Channel.objects.filter(pk=bad.pk).update(**broken)

    for _ in range(2):
        assert read_capacity().calls == {free.workspace_id: 2, bad.workspace_id: 4}
    assert [each.id for each in read_channels(bad.workspace_id)] == [second.pk]
    assert [record.message for record in caplog.records] == ["calls.channel_hours_not_valid"]


def test_lead_is_called_beside_a_channel_whose_hours_cannot_be_read() -> None:
    bad = ChannelFactory()
    waiting = let_wait(bad)
    Channel.objects.filter(pk=bad.pk).update(timezone="Mars/Olympus")
    assert begin_call(waiting.pk, at=AT) == NotBegun("no_channel")

    good = ChannelFactory(account=bad.account)

    assert isinstance(begin_call(waiting.pk, at=AT), Begun)
    assert Call.objects.get().channel == good


def test_threads_of_a_dialer_limit_its_room() -> None:
    one, two = ChannelFactory(lines=5), ChannelFactory(lines=5)
    queue(one, 5)
    queue(two, 5)
    left = {one.account_id: 2, two.account_id: 0}

    capacity = read_capacity(left.__getitem__)

    assert capacity.calls == {one.workspace_id: 2}
    assert capacity.seconds is None, "the end of a request wakes it"


def test_account_that_has_its_threads_is_left_out() -> None:
    crowded = ChannelFactory(area_codes=["404"])
    other = ChannelFactory(area_codes=["212"], account__workspace=crowded.workspace)
    one, two = let_wait(crowded), let_wait(crowded, phone="+14045550102")

    assert isinstance(begin_call(one.pk, at=AT, without=[crowded.account_id]), Begun)

    assert Call.objects.get().channel == other
    both = [crowded.account_id, other.account_id]
    assert begin_call(two.pk, at=AT, without=both) == NotBegun("paced")

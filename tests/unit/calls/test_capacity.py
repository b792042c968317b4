"""How many calls the lines, hours and paces of channels have capacity for, and when to look again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from distribution.calls.channels import ChannelSeen, find_usable
from distribution.calls.picking import MARGIN, Capacity, find_capacity

# A Monday, 10 am in Atlanta.
AT = datetime(2026, 3, 2, 15, tzinfo=UTC)
SECOND = timedelta(seconds=1)
CHANNEL = ChannelSeen(
    id=1,
    workspace_id=7,
    account_id=3,
    number="+14045550100",
    area_codes=(),
    lines=5,
    used=0,
    hours_text="{}",
    timezone="America/New_York",
    account_is_open=True,
    calls_per_second=100,
    calls_per_minute=6_000,
    account_next_dial_at=None,
    next_dial_at=None,
    last_dialed_at=None,
)
OTHER = replace(CHANNEL, id=2, number="+14045550200")
DUE = {7: AT}


def capacity(*channels: ChannelSeen, first_due: datetime = AT) -> Capacity:
    return find_capacity(channels, first_due={7: first_due}, at=AT)


def test_free_lines_are_room() -> None:
    assert capacity(CHANNEL) == Capacity({7: 5}, None)
    assert capacity(replace(CHANNEL, used=4), replace(OTHER, used=3)) == Capacity({7: 3}, None)


@pytest.mark.parametrize("used", [5, 6])
def test_full_channel_has_none_and_time_changes_nothing(used: int) -> None:
    assert capacity(replace(CHANNEL, used=used)) == Capacity({}, None)


def test_nobody_is_due_yet() -> None:
    assert capacity(CHANNEL, first_due=AT + 3 * SECOND) == Capacity({}, 3)


def test_account_gives_slots_of_the_next_tenth_of_a_second() -> None:
    slow = {"calls_per_second": 20}
    assert capacity(replace(CHANNEL, **slow)) == Capacity({7: 3}, None)  # type: ignore[arg-type]
    both = [replace(each, **slow) for each in (CHANNEL, OTHER)]  # type: ignore[arg-type]
    assert capacity(*both) == Capacity({7: 3}, None)


def test_channel_gives_slots_too() -> None:
    assert capacity(replace(CHANNEL, calls_per_minute=60)) == Capacity({7: 1}, None)
    assert capacity(replace(CHANNEL, calls_per_minute=60), OTHER) == Capacity({7: 6}, None)


@pytest.mark.parametrize("who", ["account_next_dial_at", "next_dial_at"])
def test_pace_says_when_to_look_again(who: str) -> None:
    assert capacity(replace(CHANNEL, **{who: AT + SECOND})) == Capacity({}, 1)
    assert capacity(replace(CHANNEL, **{who: AT + SECOND / 10})) == Capacity({7: 1}, None)


def test_two_accounts_of_a_workspace_add_up() -> None:
    assert capacity(CHANNEL, replace(OTHER, account_id=4, used=3)) == Capacity({7: 7}, None)


def test_closed_channel_says_when_it_opens() -> None:
    later = replace(CHANNEL, hours_text='{"mon": [["12:00", "17:00"]]}')
    assert capacity(later) == Capacity({}, 7_200)
    assert capacity(later, replace(OTHER, used=2)) == Capacity({7: 3}, 7_200)


def test_channel_that_closes_while_the_phone_rings_is_closed() -> None:
    closing = replace(CHANNEL, hours_text='{"mon": [["09:00", "10:00"]]}')
    assert find_capacity([closing], first_due={7: AT}, at=AT - MARGIN).calls == {}
    assert find_capacity([closing], first_due={7: AT - MARGIN}, at=AT - MARGIN).calls == {}
    assert find_capacity([closing], first_due={7: AT - 2 * MARGIN}, at=AT - MARGIN - SECOND).calls == {7: 5}


@pytest.mark.parametrize(
    ("channels", "reason"),
    [
        ([], "no_channel"),
        ([replace(CHANNEL, account_is_open=False)], "account_stopped"),
        ([replace(CHANNEL, hours_text='{"tue": [["12:00", "17:00"]]}')], "channel_closed"),
        ([replace(CHANNEL, used=5)], "no_line"),
        ([replace(CHANNEL, next_dial_at=AT + SECOND)], "paced"),
        # The furthest step counts: what the others lack does not help.
        ([replace(CHANNEL, account_is_open=False), replace(OTHER, used=5)], "no_line"),
    ],
)
def test_why_no_channel_is_usable(channels: list[ChannelSeen], reason: str) -> None:
    assert find_usable(channels, at=AT, margin=MARGIN) == ([], reason)

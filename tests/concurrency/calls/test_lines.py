"""Calls that begin at once: never more than the lines of a channel, and never two to one phone."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections

from distribution.calls import begin as begin_module
from distribution.calls import lines as lines_module
from distribution.calls.begin import Begun, NotBegun, Result, begin_call
from distribution.calls.locks import count_lines
from distribution.models import Call, CarrierAccount, Channel, Verification
from tests.support.factories import CallFactory, ChannelFactory
from tests.support.racing import in_background, race
from tests.support.waiting import LONGEST_SECONDS, wait_until_blocked
from tests.support.waiting_leads import AT, let_wait

pytestmark = pytest.mark.usefixtures("committed_db")


def wait_many(channel: Channel, count: int) -> list[Verification]:
    return [let_wait(channel, phone=f"+1404556{number:04d}") for number in range(count)]


def begin_all(waiting: list[Verification]) -> list[Result]:
    return race([lambda each=each: begin_call(each.pk, at=AT) for each in waiting])  # type: ignore[misc]


def test_sixteen_at_once_on_five_channels_of_two_lines() -> None:
    account = ChannelFactory(lines=2).account
    ChannelFactory.create_batch(4, account=account, lines=2)
    waiting = wait_many(Channel.objects.first() or Channel(), 16)

    results = begin_all(waiting)

    assert sum(isinstance(each, Begun) for each in results) == 10
    assert [count_lines(channel.pk) for channel in Channel.objects.all()] == [2] * 5
    assert {each.reason for each in results if isinstance(each, NotBegun)} == {"no_line"}


def test_channels_of_two_accounts_do_not_wait_for_each_other_in_a_circle() -> None:
    """Each of them has one line, and sixteen look for one: who finds one full goes on to the other."""
    first = ChannelFactory(lines=1)
    other = ChannelFactory(lines=1, account__workspace=first.workspace)

    results = begin_all(wait_many(first, 16))

    assert sum(isinstance(each, Begun) for each in results) == 2
    assert (count_lines(first.pk), count_lines(other.pk)) == (1, 1)


@contextmanager
def first_one_pauses(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[threading.Event, threading.Event]]:
    """The first call that is inserted waits before its commit, until the second event is set."""
    is_inserted, may_commit = threading.Event(), threading.Event()
    insert = begin_module.insert_call

    def pausing(*args: Any, **kwargs: Any) -> Any:
        written = insert(*args, **kwargs)
        if not is_inserted.is_set():
            is_inserted.set()
            may_commit.wait(LONGEST_SECONDS)
        return written

    monkeypatch.setattr(begin_module, "insert_call", pausing)
    try:
        yield is_inserted, may_commit
    finally:
        may_commit.set()


def begin_here(verification: Verification) -> Callable[[], Result]:
    def run() -> Result:
        try:
            return begin_call(verification.pk, at=AT)
        finally:
            connections.close_all()

    return run


@pytest.mark.parametrize("kept", ["both", "channel"])
def test_second_call_waits_for_the_lock_and_finds_no_line(monkeypatch: pytest.MonkeyPatch, kept: str) -> None:
    if kept == "channel":
        monkeypatch.setattr(lines_module, "lock_account", read_account)
    channel = ChannelFactory(lines=1)
    one, two = wait_many(channel, 2)
    with first_one_pauses(monkeypatch) as (is_inserted, may_commit), ExitStack() as stack:
        first = stack.enter_context(in_background(begin_here(one)))
        assert is_inserted.wait(LONGEST_SECONDS)
        second = stack.enter_context(in_background(begin_here(two)))
        wait_until_blocked()
        may_commit.set()
        assert isinstance(first.result(LONGEST_SECONDS), Begun)
        assert second.result(LONGEST_SECONDS) == NotBegun("no_line")
    assert count_lines(channel.pk) == 1


def read_account(account_id: int) -> CarrierAccount:
    return CarrierAccount.objects.get(pk=account_id)


def read_channel(channel_id: int) -> Channel:
    return Channel.objects.get(pk=channel_id)


def test_control_without_the_locks_there_are_more_calls_than_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock of the account would do it too: each channel has one account. Its pace is moved in the end."""
    monkeypatch.setattr(lines_module, "lock_account", read_account)
    monkeypatch.setattr(lines_module, "lock_channel", read_channel)
    monkeypatch.setattr(lines_module, "_move_pace", lambda *_, **__: None)
    channel = ChannelFactory(lines=1)
    one, two = wait_many(channel, 2)
    with first_one_pauses(monkeypatch) as (is_inserted, may_commit), in_background(begin_here(one)) as first:
        assert is_inserted.wait(LONGEST_SECONDS)
        assert isinstance(begin_call(two.pk, at=AT), Begun)
        may_commit.set()
        assert isinstance(first.result(LONGEST_SECONDS), Begun)
    assert count_lines(channel.pk) == 2, "two calls on one line"


def test_two_leads_of_one_phone_are_never_called_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    channel, other = ChannelFactory(), ChannelFactory()
    one, two = let_wait(channel), let_wait(other)
    with first_one_pauses(monkeypatch) as (is_inserted, may_commit), ExitStack() as stack:
        first = stack.enter_context(in_background(begin_here(one)))
        assert is_inserted.wait(LONGEST_SECONDS)
        second = stack.enter_context(in_background(begin_here(two)))
        wait_until_blocked()
        may_commit.set()
        assert isinstance(first.result(LONGEST_SECONDS), Begun)
        assert second.result(LONGEST_SECONDS) == NotBegun("phone_in_call", AT + timedelta(seconds=30))
    assert Call.objects.count() == 1


def test_one_verification_is_called_once() -> None:
    waiting = let_wait(ChannelFactory(lines=8))

    results = begin_all([waiting] * 8)

    assert sum(isinstance(each, Begun) for each in results) == 1
    assert Call.objects.count() == 1
    assert {each.reason for each in results if isinstance(each, NotBegun)} <= {"lead_busy", "not_gated"}


def test_calls_are_counted_again_when_the_call_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """The third call of the day begins and ends between the look and the write. It takes no slot of the pace."""
    channel = ChannelFactory()
    waiting = let_wait(channel)
    take = begin_module.take_line

    def taking(*args: Any, **kwargs: Any) -> Any:
        for _ in range(3):
            call = CallFactory()
            Call.objects.filter(pk=call.pk).update(
                phone_hash=waiting.lead.phone_hash,
                dial="placed",
                dialed_at=AT,
                ended_at=AT,
                outcome="busy",
                state="ended",
                next_check_at=None,
            )
        return take(*args, **kwargs)

    monkeypatch.setattr(begin_module, "take_line", taking)

    assert begin_call(waiting.pk, at=AT) == NotBegun("called_too_often", AT + timedelta(seconds=30))

    assert not Call.objects.filter(verification=waiting).exists()
    channel.refresh_from_db()
    assert (channel.next_dial_at, channel.last_dialed_at) == (None, None)


def test_next_channel_is_tried_if_the_best_one_is_taken_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    best, other = ChannelFactory(lines=1, area_codes=["404"]), None
    other = ChannelFactory(lines=1, area_codes=["212"], account__workspace=best.workspace)
    waiting = let_wait(best)
    take, is_taken = begin_module.take_line, []

    def taking(*args: Any, **kwargs: Any) -> Any:
        if not is_taken:
            is_taken.append(take_on_another_connection(best))
        return take(*args, **kwargs)

    monkeypatch.setattr(begin_module, "take_line", taking)

    assert isinstance(begin_call(waiting.pk, at=AT), Begun)
    assert Call.objects.get(verification=waiting).channel == other


def take_on_another_connection(channel: Channel) -> bool:
    def run() -> None:
        CallFactory(channel=channel, account=channel.account)
        connection.close()

    with in_background(run) as done:
        done.result(LONGEST_SECONDS)
    return True

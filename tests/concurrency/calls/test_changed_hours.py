"""Hours are changed while a dialer parks a verification because of them: the change wakes it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from distribution.calls import begin
from distribution.calls.calling_rules import lock_hours, read_calling_rules
from distribution.calls.hours.places import Place
from distribution.calls.locks import lock_verification
from distribution.models import CALLS_CHANNEL, CallingHours, Channel, Verification
from tests.support.blocking import another_connection
from tests.support.factories import ChannelFactory, VerificationFactory, person
from tests.support.racing import before_its_commit, in_background
from tests.support.waiting import wait_until_blocked
from tests.support.waiting_leads import AT, let_wait

pytestmark = pytest.mark.usefixtures("committed_db", "shipped_hours")

MIAMI = Place("US", "FL", "America/New_York")
IN_MIAMI = {"zip": "33101", "state": "FL"}
LATER = datetime(2099, 1, 1, 13, tzinfo=UTC)


@pytest.fixture
def shipped_hours() -> Iterator[None]:
    """The table outlives the tests."""
    yield
    CallingHours.objects.filter(state="FL").update(opens=time(8))


def open_earlier() -> None:
    CallingHours.objects.filter(state="FL").update(opens=time(7))


def park(waiting: Verification) -> None:
    assert read_calling_rules([MIAMI])["US", "FL"].opens == time(8)
    Verification.objects.filter(pk=waiting.pk).update(due_at=LATER, reason="outside_calling_hours")


def hold_and_park(waiting: Verification) -> None:
    lock_hours()
    park(waiting)


def test_change_waits_for_a_dialer_and_wakes_what_it_parked() -> None:
    waiting = VerificationFactory(due_at=timezone.now())

    with before_its_commit(lambda: hold_and_park(waiting)) as commit, in_background(open_earlier) as change:
        wait_until_blocked(connection)
        commit()
        change.result()

    assert Verification.objects.get(pk=waiting.pk).due_at != LATER


def test_without_the_lock_the_change_overlooks_it() -> None:
    waiting = VerificationFactory(due_at=timezone.now())

    with before_its_commit(lambda: park(waiting)) as commit:
        open_earlier()
        commit()

    assert Verification.objects.get(pk=waiting.pk).due_at == LATER


def test_dialer_that_begins_during_a_change_reads_the_new_hours() -> None:
    read: list[time] = []

    def read_under_lock() -> None:
        with transaction.atomic():
            lock_hours()
            read.append(read_calling_rules([MIAMI])["US", "FL"].opens)

    with before_its_commit(open_earlier) as commit, in_background(read_under_lock):
        wait_until_blocked(connection)
        commit()

    assert read == [time(7)]


def test_change_does_not_wait_for_a_verification_that_a_dialer_has() -> None:
    """The dialer may wait for the change in turn, before it parks it."""
    theirs, other = (VerificationFactory(due_at=LATER, reason="outside_calling_hours") for _ in range(2))

    with before_its_commit(lambda: lock_verification(theirs.pk)) as commit:
        open_earlier()
        commit()

    due = {each.pk: each.due_at for each in Verification.objects.all()}
    assert due[theirs.pk] == LATER
    assert due[other.pk] != LATER


def test_two_dialers_do_not_wait_for_each_other() -> None:
    first, second = (VerificationFactory(due_at=timezone.now()) for _ in range(2))
    with before_its_commit(lambda: hold_and_park(first)) as commit_first:
        with before_its_commit(lambda: hold_and_park(second)) as commit_second:
            commit_second()
        commit_first()
    assert set(Verification.objects.values_list("due_at", flat=True)) == {LATER}


@pytest.mark.parametrize(("reason", "notices"), [("outside_calling_hours", 1), ("no_line", 0)])
def test_change_tells_the_dialers_once_at_its_commit(reason: str, notices: int) -> None:
    for _ in range(3):
        VerificationFactory(due_at=LATER, reason=reason)
    with listening_for_calls() as hear:
        open_earlier()
        assert len(hear()) == notices


def test_dialers_hear_of_each_verification_that_becomes_due_by_itself() -> None:
    waiting = VerificationFactory(due_at=LATER, reason="outside_calling_hours")
    with listening_for_calls() as hear:
        Verification.objects.filter(pk=waiting.pk).update(due_at=timezone.now())
        assert len(hear()) == 1


@pytest.mark.parametrize("whose", ["law", "channel"])
def test_dialer_begins_again_when_the_hours_allow_the_call(
    monkeypatch: pytest.MonkeyPatch, whose: str
) -> None:
    """It has given the lock of the hours back: who changes a channel locks the channel first."""
    channel = ChannelFactory()
    contact = {f"lead__{name}": value for name, value in {**person(phone="+13055550101"), **IN_MIAMI}.items()}
    waiting = let_wait(channel, **contact)
    closed: dict[str, Any] = {"mon": [["12:00", "17:00"]]}
    if whose == "law":
        CallingHours.objects.filter(state="FL").update(opens=time(11))
    else:
        Channel.objects.update(hours=closed)
    held: list[int] = []
    take = begin.take_line

    def taking(*args: Any, **kwargs: Any) -> Any:
        held.append(count_own_advisory_locks())
        return take(*args, **kwargs)

    def open_now() -> None:
        if whose == "law":
            CallingHours.objects.filter(state="FL").update(opens=time(8))
        else:
            Channel.objects.update(hours={})

    monkeypatch.setattr(begin, "take_line", taking)
    with (
        before_its_commit(open_now) as commit,
        in_background(lambda: begin.begin_call(waiting.pk, at=AT)) as begun,
    ):
        wait_until_blocked(connection)
        commit()
        assert isinstance(begun.result(), begin.Begun)

    assert held == [0]


def count_own_advisory_locks() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        return int(cursor.fetchone()[0])


@contextmanager
def listening_for_calls() -> Iterator[Callable[[], list[Any]]]:
    """Yield a function that returns the notices that came since then."""
    with another_connection() as other:
        other.set_autocommit(True)
        with other.cursor() as cursor:
            cursor.execute(f"LISTEN {CALLS_CHANNEL}")
        yield lambda: list(other.connection.notifies(timeout=0.2))

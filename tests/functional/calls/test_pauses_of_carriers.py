"""How long an odd answer of a carrier keeps a lead or an account from calls."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from django.db import transaction

from distribution.calls.begin import Begun, begin_call
from distribution.calls.carrier import Dialed, DialOutcome, Problem
from distribution.calls.dial_outcomes import SHORTEST_PAUSE, write_dial_outcome
from distribution.calls.hearing import hear
from distribution.calls.locks import lock_call
from distribution.calls.settling import QUEUE_PAUSE
from distribution.calls.states import Said
from distribution.calls.switching import start_by_hand, stop_by_hand
from distribution.models import Call, CarrierAccount, Channel, Verification
from tests.support.factories import ChannelFactory
from tests.support.waiting_leads import AT, let_wait

pytestmark = pytest.mark.usefixtures("committed_db")

SECOND: Final = timedelta(seconds=1)
SID: Final = "CA" + "a" * 32
QUEUED: Final = Dialed(DialOutcome.PLACED, sid=SID, queue_ms=60_000)
THROTTLED: Final = Dialed(DialOutcome.THROTTLED, code="20429", problem=Problem.THROTTLED)
UNREACHABLE: Final = Dialed(DialOutcome.NOT_PLACED, problem=Problem.UNREACHABLE)


def record(waiting: Verification, dialed: Dialed, *, at: datetime) -> Call:
    """Its next call, whatever the pace and the pauses say."""
    CarrierAccount.objects.update(next_dial_at=None)
    Channel.objects.update(next_dial_at=None)
    Verification.objects.filter(pk=waiting.pk).update(due_at=at)
    begun = begin_call(waiting.pk, at=at)
    assert isinstance(begun, Begun), begun
    Call.objects.filter(pk=begun.call_id).update(state="dialing", dialed_at=at)
    with transaction.atomic():
        write_dial_outcome(begun.call_id, dialed, dialed_at=at, at=at)
    return Call.objects.get(pk=begun.call_id)


def say(call: Call, status: str, *, at: datetime) -> Call:
    with transaction.atomic():
        hear(lock_call(call.pk), Said(status), by="poll", at=at)
    return Call.objects.get(pk=call.pk)


def state_of(waiting: Verification) -> tuple[Any, ...]:
    found = Verification.objects.select_related("lead").get(pk=waiting.pk)
    return found.state, found.reason, found.tries, found.lead.status


def pause_after(waiting: Verification, answers: Sequence[Dialed]) -> timedelta:
    """Until the call after the last of these answers."""
    at = AT
    for answer in answers:
        at += 2 * SECOND
        record(waiting, answer, at=at)
    due_at = Verification.objects.values_list("due_at", flat=True).get(pk=waiting.pk)
    assert due_at is not None
    return due_at - at


def test_started_account_may_call_at_once() -> None:
    """The carrier said that its queue lasts for days."""
    channel = ChannelFactory()
    CarrierAccount.objects.update(next_dial_at=AT + timedelta(days=11))

    stop_by_hand(channel.account_id, at=AT, actor="maria", reason="its queue was emptied")
    start_by_hand(channel.account_id, actor="maria", reason="its queue was emptied")

    assert CarrierAccount.objects.get().next_dial_at is None


def test_pause_after_a_failed_connection_does_not_grow_with_throttling() -> None:
    assert pause_after(let_wait(ChannelFactory()), [*[THROTTLED] * 10, UNREACHABLE]) == SHORTEST_PAUSE


def test_pause_doubles_with_each_failed_connection() -> None:
    assert pause_after(let_wait(ChannelFactory()), [UNREACHABLE] * 3) == 4 * SHORTEST_PAUSE


def test_pause_begins_anew_after_a_call_that_was_placed() -> None:
    waiting = let_wait(ChannelFactory())
    pause_after(waiting, [UNREACHABLE] * 3)
    call = record(waiting, Dialed(DialOutcome.PLACED, sid=SID), at=AT + 20 * SECOND)
    say(call, "busy", at=AT + 30 * SECOND)

    at = AT + timedelta(hours=1)
    record(waiting, UNREACHABLE, at=at)

    assert Verification.objects.get(pk=waiting.pk).due_at == at + SHORTEST_PAUSE


def test_call_that_we_took_out_of_the_queue_of_the_carrier_is_no_try() -> None:
    waiting = let_wait(ChannelFactory())
    at = AT
    for number in range(5):
        at += QUEUE_PAUSE
        call = record(waiting, Dialed(DialOutcome.PLACED, sid=f"CA{number:032d}", queue_ms=60_000), at=at)
        call = say(call, "canceled", at=at + 5 * SECOND)
        assert (call.outcome, call.dial, call.dial_problem) == ("not_placed", "not_placed", "queued_too_long")

    assert state_of(waiting) == ("waiting", "queued_too_long", 0, "gated")
    assert Verification.objects.get(pk=waiting.pk).due_at == at + 5 * SECOND + QUEUE_PAUSE
    record(waiting, UNREACHABLE, at=at + 2 * QUEUE_PAUSE)
    assert Verification.objects.get(pk=waiting.pk).due_at == at + 2 * QUEUE_PAUSE + SHORTEST_PAUSE


@pytest.mark.parametrize(("status", "after"), [("ringing", 5), ("", 60)], ids=["it rang", "much later"])
def test_call_that_may_have_rung_before_it_was_canceled_is_a_try(status: str, after: int) -> None:
    waiting = let_wait(ChannelFactory())
    call = record(waiting, QUEUED, at=AT)
    if status:
        say(call, status, at=AT + SECOND)

    call = say(call, "canceled", at=AT + after * SECOND)

    assert (call.outcome, call.dial) == ("canceled", "placed")
    assert state_of(waiting) == ("waiting", "canceled", 1, "gated")

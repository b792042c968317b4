"""Binds a call to the carrier's id of it. The first one counts: a second one means that the person is called twice."""

import logging
from datetime import datetime

from distribution.calls.check_times import next_check
from distribution.calls.counting import count_second_call
from distribution.calls.story import tell_of
from distribution.models import Call, CallEvent, CallOutcome, DialOutcome
from tracing.call_events import CallEventCode

logger = logging.getLogger(__name__)


def is_of_another(call: Call, sid: str) -> bool:
    """Whether the carrier gave this id to another call of the account before: it says nothing about this one.

    To ask the carrier about it, or for its end, would mean that other call.
    """
    if call.carrier_sid == sid:
        return False
    others = Call.objects.filter(account_id=call.account_id, carrier_sid=sid).exclude(pk=call.pk)
    if not others.exists():
        return False
    logger.error("calls.repeated_id", extra={"call": str(call.public_id)})
    return True


def bind(call: Call, sid: str, *, at: datetime) -> bool:
    """Needs the call's lock; the caller saves it. False: the carrier has another call for the same request.

    That one must be ended, and nothing that is said of it counts but a no. PostgreSQL refuses the id of another row.
    """
    if call.carrier_sid in (None, sid):
        call.carrier_sid = sid
        return True
    tell_second_call(call, at=at)
    return False


def tell_second_call(call: Call, *, at: datetime) -> None:
    """The carrier has a call that must not be, beside this one or after it was given up.

    It is in the story once for each call. Needs the call's lock.
    """
    if CallEvent.objects.filter(call_id=call.pk, code=CallEventCode.SECOND_CALL.value).exists():
        return
    is_given_up = call.outcome == CallOutcome.NOT_PLACED
    problem = "given_up" if is_given_up else "two_calls"
    logger.error("calls.second_call", extra={"call": str(call.public_id), "problem": problem})
    tell_of(call, CallEventCode.SECOND_CALL, at=at, **({"given_up": True} if is_given_up else {}))
    count_second_call()


def bind_and_tell(call: Call, sid: str, *, at: datetime) -> bool:
    """Bind and save. An id that ends the doubt whether the call was placed is part of its story.

    A call that is to be hung up can be from now on.
    """
    is_first = call.carrier_sid is None
    if not bind(call, sid, at=at):
        return False
    if is_first:
        if call.ended_at is None and call.next_check_at is not None:
            call.next_check_at = next_check(call, usual=call.next_check_at, at=at)
        if call.dial == DialOutcome.UNKNOWN:
            call.dial = DialOutcome.PLACED
            tell_of(call, CallEventCode.FOUND, at=at)
        call.save(update_fields=["carrier_sid", "next_check_at", "dial"])
    return True

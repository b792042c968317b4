"""Writes what came of asking the carrier about a call, in one transaction under the locks of lead and call.

New reports of the call are applied first: a key that waits in the inbox decides before the end does.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction

from distribution.calls.applying import apply_notices
from distribution.calls.asking import Asked
from distribution.calls.binding import bind_and_tell
from distribution.calls.carrier import CallSeen
from distribution.calls.check_times import (
    AFTER_HANG_UP,
    LONGEST_START,
    WHILE_LIVE,
    lasts_too_long,
    longest_until,
    next_after_silence,
    next_search,
    queued_until,
)
from distribution.calls.counting import count_check
from distribution.calls.dial_outcomes import find_lead_pause
from distribution.calls.hanging_up import (
    LEAD_MOVED_ON,
    QUEUED_TOO_LONG,
    TOO_LONG,
    is_left_behind,
    request_hang_up,
)
from distribution.calls.hearing import hear
from distribution.calls.locks import LockedCall, lock_call
from distribution.calls.not_placed import end_not_placed
from distribution.calls.second_calls import note_second_call
from distribution.calls.settling import Lines
from distribution.calls.states import Said
from distribution.calls.story import tell_of
from distribution.models import Call, CallEvent, CallState, CarrierAccount
from routing.leads.abandoned import log_attempts
from routing.leads.claim import renew
from tracing.call_events import CallEventCode

logger = logging.getLogger(__name__)

POLL: Final = "poll"
CAP: Final = "cap"
# The carrier's word for a call that is in its queue.
QUEUED: Final = "queued"
# Why the next call waits.
NOT_FOUND: Final = "dial_unknown"
# What the carrier does not have, and had, failed there.
GONE: Final = Said(status="failed")
Write = Callable[[LockedCall], Lines]


def conclude(call_id: int, asked: Asked, *, at: datetime) -> None:
    """Write what the carrier said of a call. Must run outside a transaction."""
    _write(call_id, lambda locked: _conclude(locked, asked, at=at), at=at, seen=asked.seen)


def conclude_unanswered(call_id: int, *, at: datetime) -> None:
    """The carrier did not answer: the call keeps its line and its lead."""

    def keep(locked: LockedCall) -> Lines:
        _check_again(locked, next_after_silence(locked.call, at=at))
        count_check("unreachable")
        return ()

    _write(call_id, keep, at=at)


def conclude_unrequested(call_id: int, *, at: datetime) -> None:
    """A call whose dialer died before the request. The request needs this call's lock, so it cannot begin now."""
    _write(call_id, lambda locked: _end_unrequested(locked, at=at), at=at)


def _write(call_id: int, write: Write, *, at: datetime, seen: Sequence[CallSeen] = ()) -> None:
    """`seen`: what the carrier has. Of a call that has ended in the meantime, nothing else may be live there."""
    with transaction.atomic(durable=True):
        _, lines = apply_notices(call_id, at=at)
        locked = lock_call(call_id)
        if locked.call.ended_at is not None:
            _note_others(locked.call, seen, at=at)
        else:
            if locked.claimed is not None:
                renew(locked.claimed.id, owner=locked.call.owner, at=at)
            lines = [*lines, *write(locked)]
    log_attempts(lines)


def _conclude(locked: LockedCall, asked: Asked, *, at: datetime) -> Lines:
    call = locked.call
    was_bound = call.carrier_sid is not None
    mine = _find_mine(call, asked.seen, at=at)
    lines: Lines = ()
    if mine is not None:
        lines = _learn(locked, mine, at=at)
    elif not asked.is_search and lasts_too_long(call, at=at):
        lines = hear(locked, GONE, by=_name_end(call), at=at).lines
    elif asked.is_search and call.carrier_sid is None and _is_given_up(call, at=at):
        lines = _end_not_found(locked, at=at)
    if call.ended_at is None:
        is_queued = mine is not None and mine.status == QUEUED and call.state == CallState.QUEUED
        _ask_for_end(locked, is_queued=is_queued, at=at)
        _check_again(locked, _next_check(call, asked, is_queued=is_queued, at=at))
    count_check(_name_result(call, mine, was_bound=was_bound))
    return lines


def _name_result(call: Call, mine: CallSeen | None, *, was_bound: bool) -> str:
    """One word for what the carrier said, for the counter."""
    if mine is None:
        return "not_found"
    if not was_bound:
        return "found"
    return "open" if call.ended_at is None else "ended"


def _list_own(call: Call, seen: Sequence[CallSeen]) -> list[CallSeen]:
    """Those that belong to no other row, of whatever workspace: several may have had this account of the carrier."""
    account = call.account
    same = CarrierAccount.objects.filter(api_url=account.api_url, account_sid=account.account_sid)
    others = Call.objects.filter(account__in=same, carrier_sid__in=[each.sid for each in seen])
    taken = set(others.exclude(pk=call.pk).values_list("carrier_sid", flat=True))
    return [each for each in seen if each.sid not in taken]


def _note_others(call: Call, seen: Sequence[CallSeen], *, at: datetime) -> None:
    for each in _list_own(call, seen):
        if each.sid != call.carrier_sid and not each.is_over:
            note_second_call(call, each.sid, at=at)


def _find_mine(call: Call, seen: Sequence[CallSeen], *, at: datetime) -> CallSeen | None:
    """The carrier's call of this row. Those that it has besides are to be ended."""
    free = _list_own(call, seen)
    mine = next((each for each in free if each.sid == call.carrier_sid), None)
    if mine is None and free and call.carrier_sid is None:
        mine = free[0]
        bind_and_tell(call, mine.sid, at=at)
    for each in free:
        if not bind_and_tell(call, each.sid, at=at):
            note_second_call(call, each.sid, at=at)
    return mine


def _learn(locked: LockedCall, seen: CallSeen, *, at: datetime) -> Lines:
    call = locked.call
    if seen.cost_micros is not None:
        call.cost_micros, call.cost_currency = seen.cost_micros, seen.currency
    said = Said(seen.status, answered_by=seen.answered_by, duration_seconds=seen.duration_seconds)
    heard = hear(locked, said, by=_name_end(call), at=at)
    call.save(update_fields=["cost_micros", "cost_currency"])
    if call.ended_at is not None:
        logger.warning("calls.ended_by_poll", extra={"call": str(call.public_id), "outcome": call.outcome})
    return heard.lines


def _name_end(call: Call) -> str:
    """CAP: it ended because it was hung up as too long."""
    if call.hang_up_at is None:
        return POLL
    hung_up = CallEvent.objects.filter(
        call_id=call.pk, code=CallEventCode.HUNG_UP.value, data={"why": TOO_LONG}
    )
    return CAP if hung_up.exists() else POLL


def _ask_for_end(locked: LockedCall, *, is_queued: bool, at: datetime) -> None:
    """Also of a call whose id is not known: it is ended as soon as it is.

    `is_queued`: the carrier has not called the phone yet. It might do so after the hours.
    """
    if lasts_too_long(locked.call, at=at):
        request_hang_up(locked.call, TOO_LONG, at)
    elif is_queued and at >= queued_until(locked.call):
        logger.error("calls.queued_too_long", extra={"call": str(locked.call.public_id)})
        request_hang_up(locked.call, QUEUED_TOO_LONG, at)
    elif is_left_behind(locked):
        request_hang_up(locked.call, LEAD_MOVED_ON, at)


def _next_check(call: Call, asked: Asked, *, is_queued: bool, at: datetime) -> datetime:
    if call.carrier_sid is None:
        return next_search(call, at=at)
    if call.hang_up_at is not None:
        return at + AFTER_HANG_UP if asked.is_hang_up else at
    until = queued_until(call) if is_queued else longest_until(call)
    return at + WHILE_LIVE if until is None or until <= at else min(at + WHILE_LIVE, until)


def _check_again(locked: LockedCall, next_check_at: datetime) -> None:
    locked.call.next_check_at = next_check_at
    locked.call.save(update_fields=["next_check_at"])


def _is_given_up(call: Call, *, at: datetime) -> bool:
    """The carrier has had time to list the call, also if it had waited in a queue."""
    longest = timedelta(seconds=settings.LEADSWITCH_CALL_SEARCH_SECONDS)
    return call.dialed_at is not None and at >= call.dialed_at + longest


def _end_not_found(locked: LockedCall, *, at: datetime) -> Lines:
    """It may have rung all the same: the next call waits, and longer each time."""
    tell_of(locked.call, CallEventCode.NOT_FOUND, at=at)
    due_at = at + find_lead_pause(locked.call)
    return end_not_placed(locked, due_at=due_at, reason=NOT_FOUND, by=POLL, at=at)


def _end_unrequested(locked: LockedCall, *, at: datetime) -> Lines:
    call = locked.call
    if call.dialed_at is not None or call.carrier_sid is not None:
        _check_again(locked, at)
    elif call.hang_up_at is None and at < call.created_at + LONGEST_START:
        _check_again(locked, call.created_at + LONGEST_START)
    else:
        problem = "worker_lost" if call.hang_up_at is None else LEAD_MOVED_ON
        tell_of(call, CallEventCode.NOT_PLACED, at=at, problem=problem)
        return end_not_placed(locked, due_at=at, reason="", by="dial", at=at)
    return ()

"""Writes what a request to place a call came to: the call, its line, its lead, and what it says of account and channel.

An early report of the carrier has won over a late answer: what it said of the call stays.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from types import MappingProxyType
from typing import Final

from distribution.calls.binding import bind, is_of_another
from distribution.calls.carrier import Dialed, Problem
from distribution.calls.carrier import DialOutcome as Outcome
from distribution.calls.check_times import CHECK_MARGIN, SOON, next_check, queued_until
from distribution.calls.hanging_up import QUEUED_TOO_LONG, request_hang_up
from distribution.calls.hearing import END_FIELDS, mark_ended
from distribution.calls.locks import LockedCall, lock_call, lock_verification
from distribution.calls.not_placed import end_not_placed
from distribution.calls.second_calls import note_second_call
from distribution.calls.settling import Lines, give_up
from distribution.calls.states import RANKS
from distribution.calls.stopping import REPEATED_ID, flag_channel, pause_account, stop_account
from distribution.calls.story import tell_of
from distribution.models import Call, CallOutcome, CallState, DialOutcome
from distribution.models.call import MAX_CODE
from routing.leads.claim import renew
from tracing.call_events import CallEventCode

logger = logging.getLogger(__name__)

BY: Final = "dial"

# The carrier's own limit of calls at once: nothing is free for a while.
CONCURRENCY_PAUSE: Final = timedelta(seconds=10)
# A carrier that is down is not asked again at once, by any lead.
UNREACHABLE_PAUSE: Final = timedelta(seconds=5)
THROTTLE_PAUSE: Final = timedelta(seconds=1)
# Both pauses double while the calls of a channel are throttled one after the other, or each second would have a call.
LONGEST_THROTTLE_PAUSE: Final = timedelta(seconds=60)
THROTTLED_LATELY: Final = timedelta(minutes=10)
# A carrier that says that its queue lasts days is asked again: it may be wrong, and the queue may be emptied.
LONGEST_QUEUE_PAUSE: Final = timedelta(hours=1)
# The pause of an account doubles with each of its calls of which nobody knows whether it was placed: each holds a line.
UNKNOWN_PAUSE: Final = timedelta(seconds=1)
LONGEST_UNKNOWN_PAUSE: Final = timedelta(seconds=60)
# The pause of one lead doubles with each of its calls that was not placed.
SHORTEST_PAUSE: Final = timedelta(seconds=30)
LONGEST_PAUSE: Final = timedelta(hours=6)
MOST_DOUBLINGS: Final = 10
# Nobody can call them: final for the lead.
OF_PHONE: Final = frozenset({Problem.INVALID_PHONE, Problem.PHONE_REFUSED})
# A person must act before the account can place calls.
OF_ACCOUNT: Final = frozenset(
    {
        *(Problem.ACCOUNT_REFUSED, Problem.ACCOUNT_LIMITED),
        *(Problem.QUEUE_FULL, Problem.BAD_SETTINGS),
    }
)
# Problem -> why the lead waits.
WAITS: Final[Mapping[Problem, str]] = MappingProxyType(
    {
        Problem.UNREACHABLE: "carrier_unreachable",
        Problem.THROTTLED: "throttled",
        Problem.CONCURRENCY: "carrier_limit",
        Problem.GEO: "country_refused",
        **dict.fromkeys(OF_ACCOUNT, "account_stopped"),
    }
)
REFUSED: Final = "carrier_refused"
# After what a lead's own pause begins or doubles.
PAUSED_DIALS: Final = (DialOutcome.NOT_PLACED, DialOutcome.UNKNOWN)
WITHOUT_PAUSE: Final = frozenset(
    {QUEUED_TOO_LONG, Problem.NUMBER_REFUSED, Problem.SENT_TOO_LATE, *OF_ACCOUNT}
)


@dataclass(frozen=True, slots=True)
class Next:
    """When the person is called again, and why not at once."""

    due_at: datetime
    reason: str = ""


def write_dial_outcome(call_id: int, dialed: Dialed, *, dialed_at: datetime, at: datetime) -> Lines:
    """Write the outcome of a call's one request. Needs an open transaction. `dialed_at`: when the request began.

    What it returns is logged after the commit.
    """
    locked = lock_call(call_id)
    call = locked.call
    if dialed.outcome is Outcome.PLACED:
        if not is_of_another(call, dialed.sid):
            return _record_placed(locked, dialed, dialed_at=dialed_at, at=at)
        stop_account(call.account_id, code=REPEATED_ID, at=at)
        dialed = Dialed(Outcome.UNKNOWN, problem=Problem.BAD_ANSWER)
    if call.carrier_sid is not None:
        # The carrier has reported the call: it has it, whatever became of the answer.
        call.dial, call.dial_code = DialOutcome.PLACED, dialed.code[:MAX_CODE]
        call.save(update_fields=["dial", "dial_code"])
        return ()
    if call.state == CallState.ENDED:
        return ()
    call.dial_code, call.dial_problem = dialed.code[:MAX_CODE], dialed.problem.value
    if dialed.outcome is Outcome.UNKNOWN:
        return _record_unknown(locked, dialed, at=at)
    return _record_not_placed(locked, dialed, at=at)


def _record_placed(locked: LockedCall, dialed: Dialed, *, dialed_at: datetime, at: datetime) -> Lines:
    """A call that has ended without an id has no line any more: what the carrier has of it must end."""
    call = locked.call
    is_late = call.state == CallState.ENDED and call.carrier_sid is None
    if is_late or not bind(call, dialed.sid, at=at):
        note_second_call(call, dialed.sid, at=at)
        return ()
    call.dial = DialOutcome.PLACED
    if RANKS[call.state] < RANKS[CallState.QUEUED]:
        call.state = CallState.QUEUED
    if RANKS[call.state] < RANKS[CallState.IN_PROGRESS]:
        rings = timedelta(milliseconds=dialed.queue_ms, seconds=call.ring_seconds)
        call.next_check_at = next_check(call, usual=dialed_at + rings + CHECK_MARGIN, at=at)
    call.save(update_fields=["carrier_sid", "dial", "state", "next_check_at"])
    tell_of(call, CallEventCode.PLACED, at=at)
    _renew(locked, at=at)
    queue = timedelta(milliseconds=dialed.queue_ms)
    if queue and at + queue > queued_until(call):
        _leave_queue(call, queue, at=at)
    return ()


def _leave_queue(call: Call, queue: timedelta, *, at: datetime) -> None:
    """It would ring later than the check of the hours looked ahead. One that rings already is heard to its end."""
    pause_account(call.account_id, until=at + min(queue, LONGEST_QUEUE_PAUSE))
    extra = {"account": str(call.account.public_id), "seconds": queue.total_seconds()}
    logger.error("calls.queued_too_long", extra=extra)
    if RANKS[call.state] < RANKS[CallState.RINGING]:
        request_hang_up(call, QUEUED_TOO_LONG, at)


def _record_unknown(locked: LockedCall, dialed: Dialed, *, at: datetime) -> Lines:
    """Line and lead are held. Only the carrier knows, and it is asked (checking.py)."""
    call = locked.call
    call.dial, call.next_check_at = DialOutcome.UNKNOWN, next_check(call, usual=at + SOON[0], at=at)
    call.save(update_fields=["dial", "dial_code", "dial_problem", "next_check_at"])
    tell_of(call, CallEventCode.UNKNOWN, at=at, problem=dialed.problem.value)
    _renew(locked, at=at)
    pause_account(call.account_id, until=at + _find_unknown_pause(call))
    return ()


def _find_unknown_pause(call: Call) -> timedelta:
    """It doubles with each open call of the account that the carrier may not have, until the carrier was asked."""
    unknown = Call.objects.filter(
        account_id=call.account_id, ended_at__isnull=True, dial=DialOutcome.UNKNOWN, carrier_sid__isnull=True
    )
    doublings = min(unknown.count() - 1, MOST_DOUBLINGS)
    return min(UNKNOWN_PAUSE * (1 << doublings), LONGEST_UNKNOWN_PAUSE)


def _record_not_placed(locked: LockedCall, dialed: Dialed, *, at: datetime) -> Lines:
    call = locked.call
    is_throttled = dialed.outcome is Outcome.THROTTLED or dialed.problem is Problem.CONCURRENCY
    call.dial = DialOutcome.THROTTLED if is_throttled else DialOutcome.NOT_PLACED
    pause = _find_throttle_pause(call, dialed, at=at) if is_throttled else None
    if pause is not None:
        tell_of(call, CallEventCode.THROTTLED, at=at, retry_after_seconds=pause.total_seconds())
    else:
        tell_of(call, CallEventCode.NOT_PLACED, at=at, problem=dialed.problem.value, code=dialed.code)
    lines: Lines = ()
    if dialed.problem in OF_PHONE:
        lines = _end_invalid(locked, at=at)
    else:
        following = _find_next(call, dialed, pause=pause, at=at)
        lines = end_not_placed(locked, due_at=following.due_at, reason=following.reason, by=BY, at=at)
    _note_problem(call, dialed, pause=pause, at=at)
    return lines


def _end_invalid(locked: LockedCall, *, at: datetime) -> Lines:
    """No number of the account reaches the phone: there is no further call."""
    call = locked.call
    call.outcome = CallOutcome.INVALID_PHONE
    mark_ended(call, by=BY, at=at)
    call.save(update_fields=(*END_FIELDS, "dial", "dial_code", "dial_problem"))
    if locked.claimed is None or call.verification_id is None:
        return ()
    return give_up(lock_verification(call.verification_id), locked.claimed, reason=call.outcome, at=at)


def _find_next(call: Call, dialed: Dialed, *, pause: timedelta | None, at: datetime) -> Next:
    """When the lead is called again, and why not at once. `pause`: of a throttled one."""
    problem = dialed.problem
    if pause is not None:
        return Next(at + pause, WAITS[problem])
    if problem in (Problem.NUMBER_REFUSED, Problem.SENT_TOO_LATE):
        return Next(at)
    if problem in OF_ACCOUNT:
        return Next(at, WAITS[problem])
    return Next(at + find_lead_pause(call), WAITS.get(problem, REFUSED))


def find_lead_pause(call: Call) -> timedelta:
    """It doubles with each call since the last one that was placed, if that call had such a pause too.

    A call that the carrier was too busy for, and one that a person must set right, had none.
    """
    if call.verification_id is None:
        return SHORTEST_PAUSE
    earlier = Call.objects.filter(verification_id=call.verification_id, ended_at__isnull=False)
    placed = earlier.exclude(outcome=CallOutcome.NOT_PLACED).order_by("-pk").values_list("pk", flat=True)
    failed = earlier.filter(pk__gt=placed.first() or 0, dial__in=PAUSED_DIALS)
    doublings = min(failed.exclude(dial_problem__in=WITHOUT_PAUSE).count(), MOST_DOUBLINGS)
    return min(SHORTEST_PAUSE * (1 << doublings), LONGEST_PAUSE)


def _find_throttle_pause(call: Call, dialed: Dialed, *, at: datetime) -> timedelta:
    """As long as the carrier asks, and longer if calls were throttled before this one."""
    asked = timedelta(seconds=dialed.retry_after_seconds or 0)
    first = CONCURRENCY_PAUSE if dialed.problem is Problem.CONCURRENCY else THROTTLE_PAUSE
    return max(asked, min(first * (1 << _count_throttled(call, at=at)), LONGEST_THROTTLE_PAUSE))


def _count_throttled(call: Call, *, at: datetime) -> int:
    """How many of the channel's latest calls were throttled, without a placed one in between."""
    latest = Call.objects.filter(channel_id=call.channel_id).exclude(pk=call.pk).order_by("-pk")
    seen = list(latest.values_list("dial", "created_at")[:MOST_DOUBLINGS])
    lately = [dial for dial, created_at in seen if dial and created_at > at - THROTTLED_LATELY]
    return len(list(takewhile(lambda dial: dial == DialOutcome.THROTTLED, lately)))


def _note_problem(call: Call, dialed: Dialed, *, pause: timedelta | None, at: datetime) -> None:
    """What the refusal says of the number or of the account. Their locks come after the call's."""
    problem = dialed.problem
    if problem in OF_ACCOUNT:
        stop_account(call.account_id, code=problem.value, at=at)
    elif problem is Problem.NUMBER_REFUSED:
        flag_channel(call.channel_id, code=dialed.code, at=at)
    elif problem is Problem.UNREACHABLE:
        pause_account(call.account_id, until=at + UNREACHABLE_PAUSE)
    elif pause is not None:
        pause_account(call.account_id, until=at + pause)
    if problem is Problem.CONCURRENCY:
        logger.error(
            "calls.too_many_lines", extra={"account": str(call.account.public_id), "problem": problem.value}
        )


def _renew(locked: LockedCall, *, at: datetime) -> None:
    if locked.claimed is not None:
        renew(locked.claimed.id, owner=locked.call.owner, at=at)

"""Adds what the carrier says of a call to its row, and moves the lead on once it decides something.

Whatever the order and number of the reports, the call ends once, its line is free once and the lead moves on once.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from distribution.calls.check_times import USUAL_TALK, next_check
from distribution.calls.counting import count_end
from distribution.calls.hanging_up import QUEUED_TOO_LONG, was_taken_back
from distribution.calls.locks import LockedCall
from distribution.calls.settling import Lines, block_phone, settle_call
from distribution.calls.states import RANKS, Known, Said, learn
from distribution.calls.story import tell_of
from distribution.calls.withdrawing import withdraw
from distribution.models import Call, CallOutcome, CallState, DialOutcome, Verification
from routing.leads.claim import renew
from routing.locks.leads_to_end import LeadToEnd
from tracing.call_events import CallEventCode

# The carrier sets the price of a call some minutes after its end. Calls that were not answered are free.
COST_KNOWN_AFTER: Final = timedelta(minutes=10)
# What `mark_ended` and its callers change.
END_FIELDS: Final = ("state", "outcome", "ended_at", "ended_by", "next_check_at", "test_phone")
# What a report may change.
FIELDS: Final = (
    *END_FIELDS,
    *("carrier_status", "key", "answered_by", "duration_seconds", "ringing_at", "answered_at", "cost_due_at"),
    *("dial", "dial_problem"),
)


@dataclass(frozen=True, slots=True)
class Heard:
    """`is_new`: it said something that was not known. `lines`: to log after the commit."""

    is_new: bool
    lines: Lines = ()


def hear(locked: LockedCall, said: Said, *, by: str, at: datetime) -> Heard:
    """Add a report to a locked call. Needs an open transaction. `by`: webhook or poll; who tells the end."""
    call = locked.call
    before = known_of(call)
    after = learn(before, said)
    if after == before:
        return Heard(is_new=False)
    _write(call, before, after, by=by, at=at)
    if call.kind != "verification" or after.outcome == before.outcome:
        if locked.claimed is not None:
            renew(locked.claimed.id, owner=call.owner, at=at)
        return Heard(is_new=True)
    return Heard(is_new=True, lines=_decide(locked, before, after, at=at))


def _decide(locked: LockedCall, before: Known, after: Known, *, at: datetime) -> Lines:
    if after.outcome == "opted_out":
        block_phone(locked.call, at=at)
    if locked.claimed is not None:
        return settle_call(locked.call, locked.claimed, outcome=locked.call.outcome or after.outcome, at=at)
    waiting = _find_waiting(locked) if before.is_ended and after.key else None
    if waiting is not None:
        return settle_call(locked.call, waiting, outcome=after.outcome, at=at)
    return withdraw(locked.call, at=at) if after.outcome in ("declined", "opted_out") else ()


def _find_waiting(locked: LockedCall) -> LeadToEnd | None:
    """The lead, if a key that came after the end of its call decides: it was not called again and has not moved on."""
    if locked.lead is None or locked.lead.locked_by:
        return None
    still_open = Verification.objects.filter(calls=locked.call, ended_at__isnull=True)
    return locked.lead if still_open.exists() else None


def known_of(call: Call) -> Known:
    return Known(call.state, call.carrier_status, call.key, call.answered_by, call.duration_seconds)


def _write(call: Call, before: Known, after: Known, *, by: str, at: datetime) -> None:
    call.state, call.carrier_status, call.key = after.state, after.end, after.key
    call.answered_by, call.duration_seconds = after.answered_by, after.duration_seconds
    rank, was = RANKS[after.state], RANKS[before.state]
    if after.key != before.key:
        tell_of(call, CallEventCode.KEY, at=at, key=after.key)
    if was < RANKS["ringing"] <= rank and call.ringing_at is None and after.state == "ringing":
        call.ringing_at = at
        tell_of(call, CallEventCode.RINGING, at=at)
    if was < RANKS["in_progress"] and after.state == "in_progress":
        call.answered_at = at
        call.next_check_at = next_check(call, usual=at + USUAL_TALK, at=at)
        tell_of(call, CallEventCode.ANSWERED, at=at, answered_by=after.answered_by)
    if after.is_ended:
        _end(call, after, is_new=not before.is_ended, by=by, at=at)
    call.save(update_fields=FIELDS)


def _end(call: Call, known: Known, *, is_new: bool, by: str, at: datetime) -> None:
    call.outcome = CallOutcome(known.outcome)
    if call.outcome == CallOutcome.CANCELED and was_taken_back(call, at=at):
        call.outcome = CallOutcome.NOT_PLACED
        call.dial, call.dial_problem = DialOutcome.NOT_PLACED, QUEUED_TOO_LONG
    elif call.dial_problem == QUEUED_TOO_LONG:
        call.dial, call.dial_problem = DialOutcome.PLACED, ""
    if is_new:
        mark_ended(call, by=by, at=at)
        if known.end == "completed" and call.cost_micros is None:
            call.cost_due_at = at + COST_KNOWN_AFTER
        tell_of(
            call,
            CallEventCode.ENDED,
            at=at,
            outcome=call.outcome,
            by=by,
            duration_seconds=known.duration_seconds,
        )


def mark_ended(call: Call, *, by: str, at: datetime) -> None:
    """Free its line, and forget the phone of a test. `outcome` must be set; the caller saves END_FIELDS."""
    call.state, call.test_phone = CallState.ENDED, ""
    call.ended_at, call.ended_by, call.next_check_at = at, by, None
    count_end(call, by=by)

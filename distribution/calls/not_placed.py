"""Ends a call that the carrier never had: its line is free, and its lead may be called again."""

from datetime import datetime

from distribution.calls.hearing import END_FIELDS, mark_ended
from distribution.calls.locks import LockedCall, lock_verification
from distribution.calls.promises import read_last_promise
from distribution.calls.settling import Lines, call_again, find_late, give_up
from distribution.models import CallOutcome


def end_not_placed(locked: LockedCall, *, due_at: datetime, reason: str, by: str, at: datetime) -> Lines:
    """It is no try. Needs an open transaction.

    `reason`: why the next call waits; blank: it does not. `by`: dial or poll.
    What it returns is logged after the commit.
    """
    call = locked.call
    call.outcome = CallOutcome.NOT_PLACED
    mark_ended(call, by=by, at=at)
    call.save(update_fields=(*END_FIELDS, "dial", "dial_code", "dial_problem"))
    lead = locked.claimed
    if lead is None or call.verification_id is None:
        return ()
    verification = lock_verification(call.verification_id)
    verification.tries = max(0, verification.tries - 1)
    verification.save(update_fields=["tries"])
    late = find_late(lead, due_at, promise_ends_at=read_last_promise(lead.id), at=at)
    if late is not None:
        return give_up(verification, lead, reason=late or reason, at=at)
    call_again(verification, lead, due_at=due_at, reason=reason, at=at)
    return ()

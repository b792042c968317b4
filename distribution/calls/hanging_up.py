"""Asks for the end of a call. The carrier is told outside the transaction, by the next check of the call."""

from datetime import datetime

from distribution.calls.story import tell_of
from distribution.models import Call
from tracing.call_events import CallEventCode


def request_hang_up(call: Call, why: str, at: datetime) -> bool:
    """Needs the call's lock. False: it has ended, or its end was asked for before."""
    if call.ended_at is not None or call.hang_up_at is not None:
        return False
    call.hang_up_at, call.next_check_at = at, at
    call.save(update_fields=["hang_up_at", "next_check_at"])
    tell_of(call, CallEventCode.HUNG_UP, at=at, why=why)
    return True

"""When the carrier is asked about a call. Pure."""

from datetime import datetime, timedelta
from typing import Final

from distribution.calls.allowing import QUEUE_MARGIN
from distribution.models import Call

# Beyond the time that the call may ring, before the carrier is asked about it.
CHECK_MARGIN: Final = timedelta(seconds=30)
# Most calls are over by then. A line whose last report was lost is held for no longer.
USUAL_TALK: Final = timedelta(seconds=45)
# What takes a call to check keeps it for this long. A process that died leaves it to the next one.
LEASE: Final = timedelta(seconds=60)
# A call whose request has not begun by then was lost with its dialer.
LONGEST_START: Final = timedelta(seconds=60)
# Whether a call was placed: asked soon, because its line and its lead wait for it.
SOON: Final = (timedelta(seconds=5), timedelta(seconds=15), timedelta(seconds=60))
EVERY: Final = timedelta(seconds=60)
WHILE_LIVE: Final = timedelta(seconds=15)
WHILE_UNREACHABLE: Final = timedelta(seconds=30)
AFTER_HANG_UP: Final = timedelta(seconds=5)


def next_check(call: Call, *, usual: datetime, at: datetime) -> datetime:
    """When to ask about a call next: at once if it is to be hung up, whatever was heard of it in the meantime."""
    return usual if call.hang_up_at is None else at


def next_search(call: Call, *, at: datetime) -> datetime:
    """When to look for a call again whose request has no answer. One that is to be hung up may ring by then."""
    began_at = call.dialed_at or call.created_at
    later = [began_at + wait for wait in SOON if began_at + wait > at]
    if later and call.hang_up_at is not None:
        return min(later[0], at + AFTER_HANG_UP)
    return later[0] if later else at + EVERY


def next_after_silence(call: Call, *, at: datetime) -> datetime:
    """When to ask a carrier again that did not answer."""
    return at + (WHILE_UNREACHABLE if call.hang_up_at is None else AFTER_HANG_UP)


def longest_until(call: Call) -> datetime | None:
    """When it must have ended: its ring, its talk and a margin. None: it was not requested.

    From its ring on, if that was heard of in time: the carrier may have kept it in its queue before.
    """
    if call.dialed_at is None:
        return None
    longest = timedelta(seconds=call.ring_seconds + call.time_limit_seconds) + 2 * CHECK_MARGIN
    until = call.dialed_at + longest
    return call.ringing_at + longest if call.ringing_at is not None and call.ringing_at < until else until


def queued_until(call: Call) -> datetime:
    """When it must have left the carrier's queue: the check of the hours, before the request, looked ahead as far."""
    return call.created_at + QUEUE_MARGIN


def lasts_too_long(call: Call, *, at: datetime) -> bool:
    until = longest_until(call)
    return until is not None and at >= until

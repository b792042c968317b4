"""A call of which nobody knows whether the carrier placed it, in words."""

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings

from distribution.models import Call, DialOutcome
from tracing.wording import local_second

DOUBT: Final = "It is not known whether the call was placed."


def is_in_doubt(call: Call) -> bool:
    return call.ended_at is None and call.dial == DialOutcome.UNKNOWN and call.carrier_sid is None


def describe_doubt(call: Call, *, timezone: str) -> str:
    """When the carrier is asked, and what follows if it does not have the call."""
    asked = (
        ""
        if call.next_check_at is None
        else f" The carrier is asked at {local_second(call.next_check_at, timezone=timezone)}."
    )
    return f"{DOUBT}{asked} {_tell_end(call, timezone)}"


def _tell_end(call: Call, timezone: str) -> str:
    """It is given up by an answer alone: a carrier that does not answer may have the call."""
    end = "it counts as not placed, and the person is called again"
    until = _find_until(call)
    if until is None or (call.next_check_at is not None and until <= call.next_check_at):
        return f"If it answers that it does not have the call, {end}."
    return f"If it does not have the call at {local_second(until, timezone=timezone)} or later, {end}."


def _find_until(call: Call) -> datetime | None:
    longest = timedelta(seconds=settings.LEADSWITCH_CALL_SEARCH_SECONDS)
    return None if call.dialed_at is None else call.dialed_at + longest

"""Asks the carrier about one call: reads it, looks for it, or ends it. Outside every transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from distribution.calls.carrier import CallSeen, CarrierClient, EndStatus
from distribution.calls.states import RANKS
from distribution.models import Call

# The carrier's clock may differ from ours. Calls of other rows are left out, whenever they began.
CLOCKS_DIFFER: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the carrier said. `is_search`: it was asked for calls to the phone. `is_hang_up`: it was asked to end it.

    `seen`: oldest first. Empty: the carrier does not have the call.
    """

    seen: Sequence[CallSeen]
    is_search: bool = False
    is_hang_up: bool = False


def ask(call: Call, carrier: CarrierClient, *, at: datetime) -> Asked:
    """Raises CarrierUnavailable."""
    if call.carrier_sid is None:
        return _search(call, carrier, at=at)
    if call.hang_up_at is not None:
        return _end(call, call.carrier_sid, carrier)
    seen = carrier.read(call.carrier_sid)
    return Asked([] if seen is None else [seen])


def _search(call: Call, carrier: CarrierClient, *, at: datetime) -> Asked:
    began_at = call.dialed_at or call.created_at
    found = carrier.find(
        to=read_phone(call),
        from_number=call.from_number,
        since=min(began_at, call.created_at) - CLOCKS_DIFFER,
        at=at,
    )
    known = [seen for seen in reversed(found) if seen.created_at is not None]
    return Asked(
        sorted(known, key=_age) + [seen for seen in found if seen.created_at is None], is_search=True
    )


def _age(seen: CallSeen) -> datetime:
    assert seen.created_at is not None  # noqa: S101 - the others are left out before
    return seen.created_at


def _end(call: Call, sid: str, carrier: CarrierClient) -> Asked:
    """A call that rings is canceled, so that no one who answers now is cut off without a word."""
    is_up = RANKS[call.state] >= RANKS["in_progress"]
    seen = carrier.end(sid, EndStatus.COMPLETED if is_up else EndStatus.CANCELED) or carrier.read(sid)
    return Asked([] if seen is None else [seen], is_hang_up=True)


def read_phone(call: Call) -> str:
    return call.test_phone if call.lead is None else call.lead.phone

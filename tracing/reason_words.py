"""What a reason says, what would have to change, and who can do that. Pure."""

from collections.abc import Mapping
from typing import Final

from tracing.auction_words import find_silence
from tracing.event_rows import EventRow
from tracing.names import Names
from tracing.obstacles import Obstacle, describe_gate
from tracing.skip_reasons import SKIP_REASONS, Fixer

NEEDS_PERSON: Final = frozenset({"unsold", "failed"})


def describe_reason(code: str) -> str:
    """Return the sentence of a reason of lead level; an unknown code gives the code itself."""
    return SKIP_REASONS[code].sentence if code in SKIP_REASONS else f"{code}."


def describe_lead_change(reason: str, *, is_last: bool = False) -> str:
    """What would have to change for the whole lead; "" if that differs from buyer to buyer.

    `is_last`: no attempt follows by itself.
    """
    known = SKIP_REASONS.get(reason)
    if known is None:
        return ""
    return (known.last_change if is_last else "") or known.change


def needs_person(result: str) -> bool:
    """Whether no attempt follows by itself after one with this result."""
    return result in NEEDS_PERSON


def describe_who_must_act(reason: str) -> str:
    known = SKIP_REASONS.get(reason)
    if known is not None and known.fixer is Fixer.LEAD:
        return "No one has to act."
    helped_by = {Fixer.AGENCY: "the agency can fix it", Fixer.BUYER: "the buyers can fix it"}
    who = helped_by.get(known.fixer) if known else None
    return f"Someone must act: {who}." if who else "Someone must act."


def describe_obstacles(event: EventRow, *, names: Names) -> list[Obstacle]:
    """Every failing gate of a skipped buyer, in the engine's order."""
    gates = event.data.get("gates") if isinstance(event.data, Mapping) else None
    timezone = names.buyer(event.buyer_id).timezone
    known = [gate for gate in gates or [] if isinstance(gate, Mapping)]
    return [describe_gate(gate, timezone=timezone) for gate in known]


def describe_change(event: EventRow, *, names: Names, is_last: bool = False) -> str:
    """What would have to change for this buyer to pass all failing gates; "" if that is unknown.

    `is_last`: no attempt follows by itself.
    """
    silence = find_silence(event.skip_reason, event.data)
    if silence is not None:
        return silence[1]
    change = describe_lead_change(event.skip_reason, is_last=is_last)
    if change:
        return change
    changes = [each.change for each in describe_obstacles(event, names=names) if each.change]
    return "; ".join(dict.fromkeys(changes))

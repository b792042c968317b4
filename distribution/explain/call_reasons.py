"""Why a person is not called now, in words, and what would have to change: one source for pages, API and commands.

The codes of WAIT_REASONS say what it is. What the story and the last call know of it makes the sentence exact: the
place and its hours, the carrier's code, why LeadSwitch hung up.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from distribution.calls.queue_waits import QueueWait, UnusableChannel, read_unusable
from distribution.explain.call_doubt import DOUBT, is_in_doubt
from distribution.models import Call, CallEvent, CallOutcome, Verification
from tracing.call_events import (
    HUNG_UP,
    OF_CARRIER,
    OF_PLACE,
    WAIT_REASONS,
    CallEventCode,
    describe_waiting,
)
from tracing.call_problems import describe_problem

OF_CALL: Final = ("verification_id", "dial", "dial_code", "ended_at", "carrier_sid")
OF_STORY: Final = (CallEventCode.WAITS.value, CallEventCode.HUNG_UP.value)


@dataclass(frozen=True, slots=True)
class Why:
    """`change`: what would have to change; blank: nothing, the person is called by itself."""

    sentence: str
    change: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a verification apart from its reason. `code`: the carrier's, of its last refusal.

    `is_in_doubt`: whether its last call was placed.
    """

    place: str = ""
    code: str = ""
    hung_up: str = ""
    is_in_doubt: bool = False


NOTHING_KNOWN: Final = Known()
MOST_CHANNELS: Final = 3
# After the name of a channel, and what would have to change.
CHANNEL_STATES: Final = MappingProxyType(
    {
        "disabled": Why("is disabled", "enable {name}"),
        "flagged": Why("is flagged", "remove the flag of {name}"),
        "unreadable": Why("has hours or a time zone that cannot be read", "correct the hours of {name}"),
    }
)


def explain_reason(reason: str, known: Known = NOTHING_KNOWN) -> Why:
    """`reason`: a code of WAIT_REASONS, or how the last call ended."""
    if known.is_in_doubt:
        return Why(DOUBT)
    if reason == CallOutcome.CANCELED and known.hung_up in HUNG_UP:
        return Why(HUNG_UP[known.hung_up])
    wait = WAIT_REASONS.get(reason)
    change = "" if wait is None else wait.change
    if reason in OF_CARRIER:
        return Why(describe_problem(OF_CARRIER[reason], code=known.code), change)
    place = f" {known.place}." if reason in OF_PLACE and known.place else ""
    return Why(f"{describe_waiting(reason)}{place}", change)


def explain_queue_wait(wait: QueueWait, *, is_for_source: bool = False) -> Why:
    """Of due leads. The names of channels are not for sources."""
    if wait.cause != "no_channel" or is_for_source:
        return explain_reason(wait.cause)
    return _explain_unusable(wait.unusable)


def explain_channels(workspace_id: int) -> Why:
    """Why a workspace, whose channels cannot be used, calls nobody."""
    unusable = read_unusable([workspace_id])[workspace_id]
    is_stopped = any(each.state == "unreadable" for each in unusable)
    return explain_reason("account_stopped") if is_stopped else _explain_unusable(unusable)


def _explain_unusable(channels: Sequence[UnusableChannel]) -> Why:
    if not channels:
        return Why("The workspace has no channel.", "add a channel")
    shown = channels[:MOST_CHANNELS]
    states = [f"{each.name} {CHANNEL_STATES[each.state].sentence}" for each in shown]
    changes = [CHANNEL_STATES[each.state].change.format(name=each.name) for each in shown]
    more = len(channels) - len(shown)
    rest = [f"{more:,} more cannot call either"] if more else []
    return Why(
        f"No channel of the workspace can call: {'; '.join((*states, *rest))}.",
        f"{', or '.join(dict.fromkeys(changes))}, or add a channel",
    )


def find_known(calls: Sequence[Call], events: Iterable[CallEvent]) -> Known:
    """`calls`, `events`: of one verification, in the order of time."""
    place = hung_up = ""
    for event in events:
        if event.code == CallEventCode.WAITS:
            place = event.data.get("place", "")
        elif event.code == CallEventCode.HUNG_UP:
            hung_up = event.data.get("why", "")
    return Known(place, calls[-1].dial_code if calls else "", hung_up, bool(calls) and is_in_doubt(calls[-1]))


def read_known(verifications: Collection[Verification]) -> Mapping[int, Known]:
    """Of a page of verifications. Two statements."""
    calls: dict[int, list[Call]] = {}
    for call in Call.objects.filter(verification__in=verifications).only(*OF_CALL).order_by("pk"):
        calls.setdefault(call.verification_id or 0, []).append(call)
    events: dict[int, list[CallEvent]] = {}
    for event in CallEvent.objects.filter(verification__in=verifications, code__in=OF_STORY).order_by("pk"):
        events.setdefault(event.verification_id or 0, []).append(event)
    return {row.pk: find_known(calls.get(row.pk, ()), events.get(row.pk, ())) for row in verifications}

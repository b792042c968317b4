"""The words of a verification: its events, and why a person is not called yet. Codes are permanent. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from tracing import wording
from tracing.call_problems import CALL_PROBLEMS, describe_clause, describe_problem


class CallEventCode(StrEnum):
    """What can happen to a verification."""

    WAITS = "waits"  # reason, due_at?
    PLACING = "placing"  # channel, number
    PLACED = "placed"
    NOT_PLACED = "not_placed"  # problem, code?
    THROTTLED = "throttled"  # retry_after_seconds
    UNKNOWN = "unknown"  # problem: whether it was placed
    FOUND = "found"  # the carrier has the call that was unknown
    NOT_FOUND = "not_found"
    RINGING = "ringing"
    ANSWERED = "answered"  # answered_by?
    KEY = "key"  # key
    ENDED = "ended"  # outcome, by, duration_seconds?
    HUNG_UP = "hung_up"  # why
    VERIFIED = "verified"  # how
    PHONE_BLOCKED = "phone_blocked"  # the person asked not to be called again
    DECLINED = "declined"  # is_late?: the lead had moved on
    AGAIN = "again"  # outcome, due_at
    GAVE_UP = "gave_up"  # reason, end
    SECOND_CALL = "second_call"  # given_up?: the carrier has a call beside this one, or after it was given up
    FREED = "freed"  # an operator ended a call that the carrier does not report
    CALL_NOW = "call_now"  # an operator had the next call go out at once


@dataclass(frozen=True, slots=True)
class WaitReason:
    """`sentence`: about the person. `change`: what would have to change; blank: nothing, it is called by itself."""

    code: str
    sentence: str
    change: str = ""


# Reasons that come from a refusal of the carrier -> its problem. The call that was refused has the carrier's code.
OF_CARRIER: Final = MappingProxyType(
    {
        "carrier_unreachable": "unreachable",
        "carrier_refused": "refused",
        "country_refused": "geo",
        "carrier_limit": "concurrency",
        "throttled": "throttled",
    }
)
WAIT_REASONS: Final = MappingProxyType(
    {
        each.code: each
        for each in (
            WaitReason("product_paused", "LeadSwitch is paused.", "resume LeadSwitch"),
            WaitReason("workspace_paused", "The workspace is paused.", "resume the workspace"),
            WaitReason("outside_calling_hours", "It is outside the hours at which the person may be called."),
            WaitReason(
                "no_calling_hours",
                "No calling hours are known for a place where the person may be.",
                "add calling hours for the state or country, or verify the person by hand",
            ),
            WaitReason(
                "no_timezone",
                "A time zone of the person is not known, so nobody may call.",
                "verify the person by hand",
            ),
            WaitReason("no_phone", "The lead has no phone number.", "verify the person by hand"),
            WaitReason("invalid_phone", "The carrier cannot call the number.", "verify the person by hand"),
            WaitReason(
                "phone_blocked", "The phone is on the list of blocked phones.", "verify the person by hand"
            ),
            WaitReason(
                "no_consent",
                "The lead has no proof of consent, and its campaign calls nobody without one.",
                "verify the person by hand",
            ),
            WaitReason("called_too_often", "The person was called as often as a day allows."),
            WaitReason("phone_in_call", "Another call to the same phone is out."),
            WaitReason(
                "no_address",
                "LeadSwitch has no public address, so no carrier can call it back.",
                "set LEADSWITCH_BASE_URL for the dialers, and restart them",
            ),
            WaitReason("no_dialer", "No dialer runs, so no one is called.", "start a dialer"),
            WaitReason(
                "no_channel",
                "No channel of the workspace is enabled and free of a flag.",
                "add or enable a channel",
            ),
            WaitReason("channel_closed", "Every channel is outside its own hours."),
            WaitReason("no_line", "All lines are in use."),
            WaitReason("paced", "Calls go out as fast as the carrier allows."),
            WaitReason(
                "account_stopped",
                "The carrier account is stopped or not enabled.",
                "start or enable the carrier account",
            ),
            *(
                WaitReason(code, CALL_PROBLEMS[problem].sentence, CALL_PROBLEMS[problem].change)
                for code, problem in OF_CARRIER.items()
            ),
            WaitReason("dial_unknown", "The carrier did not say whether it placed the last call."),
            WaitReason(
                "queued_too_long",
                "The carrier had the call in its queue for too long.",
                "lower the pace of the account or of its channels, if that lasts",
            ),
        )
    }
)

# Reasons about a place: the event of the story has it.
OF_PLACE: Final = frozenset({"outside_calling_hours", "no_calling_hours", "no_timezone"})
# Why LeadSwitch ended a call.
HUNG_UP: Final = MappingProxyType(
    {
        "too_long": "The call rang or lasted longer than it may, so LeadSwitch ended it.",
        "queued_too_long": "The carrier kept the call in its queue for too long, so LeadSwitch ended it.",
        "lead_moved_on": "The lead no longer needed the call, so LeadSwitch ended it.",
    }
)

Describe = Callable[[Mapping[str, Any], str], str]
# After "the call": how it ended.
OUTCOMES: Final = MappingProxyType(
    {
        "confirmed": "the person confirmed the request",
        "declined": "the person does not want it",
        "opted_out": "the person does not want to be called again",
        "no_input": "the person answered and pressed no key",
        "voicemail": "an answering machine answered",
        "busy": "the line was busy",
        "no_answer": "nobody answered",
        "invalid_phone": "the number cannot be called",
        "failed": "the carrier could not complete it",
        "canceled": "LeadSwitch ended it before anybody answered",
        "not_placed": "it was not placed",
    }
)
# Why there is no further call, apart from the reasons to wait.
GIVEN_UP: Final = MappingProxyType(
    {
        **OUTCOMES,
        "given_up": "an operator gave up",
        "promise_ends": "the promise to its source ends first, and then the lead is not sold",
    }
)
# From whom the end is known.
ENDED_BY: Final = MappingProxyType(
    {
        "webhook": "",
        "poll": "the carrier was asked",
        "dial": "",
        "cap": "it lasted too long",
        "hand": "an operator ended it without the carrier",
    }
)
HOW_VERIFIED: Final = MappingProxyType({"call": "in the call", "hand": "by an operator"})
ENDS: Final = MappingProxyType(
    {
        "fail": "the lead is not sold",
        "sell": "the lead is sold unverified",
        "person": "an operator decides",
    }
)


def name_call(number: int, *, outcome: str) -> str:
    """A call that was not placed is no try: the next one has its number."""
    return f"Call {number} (not placed)" if outcome == "not_placed" else f"Call {number}"


def describe_waiting(reason: str) -> str:
    """Why a person is not called, or not any more: a reason to wait, or how the last call ended. "" for none."""
    known = WAIT_REASONS.get(reason)
    if known is not None:
        return known.sentence
    return wording.sentence(GIVEN_UP.get(reason, reason.replace("_", " "))) if reason else ""


def describe_call_event(code: str, data: Mapping[str, Any], *, channel: str = "") -> str:
    """One sentence, without times: show them beside it. `channel`: its name, if the reader may know it."""
    describe = (
        CALL_EVENT_WORDS.get(CallEventCode(code)) if code in CallEventCode.__members__.values() else None
    )
    return wording.sentence(code.replace("_", " ") if describe is None else describe(data, channel))


def _waits(data: Mapping[str, Any], _channel: str) -> str:
    reason = WAIT_REASONS.get(data["reason"])
    text = data["reason"].replace("_", " ") if reason is None else reason.sentence.rstrip(".")
    place = data.get("place")
    return f"not called: {_lower(text)}{f' ({place})' if place else ''}"


def _placing(data: Mapping[str, Any], channel: str) -> str:
    over = f" over {channel}" if channel else ""
    return f"call {data['number']}{over} is being placed"


def _not_placed(data: Mapping[str, Any], _channel: str) -> str:
    return (
        f"the call was not placed: {_lower(describe_problem(data['problem'], code=data.get('code') or ''))}"
    )


def _unknown(data: Mapping[str, Any], _channel: str) -> str:
    return (
        f"whether the call was placed is not known ({describe_clause(data['problem'])}): the carrier is asked"
    )


def _ended(data: Mapping[str, Any], _channel: str) -> str:
    by = ENDED_BY.get(data["by"], data["by"])
    seconds = data.get("duration_seconds")
    lasted = f" after {seconds} s" if seconds else ""
    return (
        f"the call ended{lasted}: {OUTCOMES.get(data['outcome'], data['outcome'])}{f' ({by})' if by else ''}"
    )


def is_machine(answered_by: str) -> bool:
    """Whether the carrier heard a machine. It may learn new words for one. What is not known counts as a person."""
    return answered_by.startswith("machine") or answered_by == "fax"


def _answered(data: Mapping[str, Any], _channel: str) -> str:
    by = data.get("answered_by", "")
    return "an answering machine answered" if is_machine(by) else "the call was answered"


def _declined(data: Mapping[str, Any], _channel: str) -> str:
    if data.get("is_late"):
        return "the person does not want it after all: from now on the lead is sold to nobody"
    return "the person does not want it: the lead is not sold"


def _gave_up(data: Mapping[str, Any], _channel: str) -> str:
    reason = WAIT_REASONS.get(data["reason"])
    why = reason.sentence.rstrip(".") if reason else GIVEN_UP.get(data["reason"], data["reason"])
    return f"there is no further call ({_lower(why)}): {ENDS.get(data['end'], data['end'])}"


def _lower(text: str) -> str:
    return text if text.startswith("LeadSwitch") else text[:1].lower() + text[1:]


CALL_EVENT_WORDS: Final[Mapping[CallEventCode, Describe]] = MappingProxyType(
    {
        CallEventCode.WAITS: _waits,
        CallEventCode.PLACING: _placing,
        CallEventCode.PLACED: lambda _data, _channel: "the carrier took the call",
        CallEventCode.NOT_PLACED: _not_placed,
        CallEventCode.THROTTLED: lambda _data, _channel: "the carrier asked us to wait",
        CallEventCode.UNKNOWN: _unknown,
        CallEventCode.FOUND: lambda _data, _channel: "the carrier has the call",
        CallEventCode.NOT_FOUND: lambda _data, _channel: "the carrier does not have the call",
        CallEventCode.RINGING: lambda _data, _channel: "the phone rings",
        CallEventCode.ANSWERED: _answered,
        CallEventCode.KEY: lambda data, _channel: f"the person pressed {data['key']}",
        CallEventCode.ENDED: _ended,
        CallEventCode.HUNG_UP: lambda data, _channel: _lower(
            HUNG_UP.get(data["why"], data["why"].replace("_", " "))
        ),
        CallEventCode.VERIFIED: lambda data, _channel: (
            f"the person was verified {HOW_VERIFIED.get(data['how'], data['how'])}"
        ),
        CallEventCode.PHONE_BLOCKED: lambda _data, _channel: (
            "the phone was put on the list of blocked phones: the workspace does not call it again"
        ),
        CallEventCode.DECLINED: _declined,
        CallEventCode.AGAIN: lambda data, _channel: (
            f"{OUTCOMES.get(data['outcome'], data['outcome'])}, so another call follows"
        ),
        CallEventCode.GAVE_UP: _gave_up,
        CallEventCode.CALL_NOW: lambda _data, _channel: "an operator asked for the next call at once",
        CallEventCode.FREED: lambda _data, _channel: (
            "an operator ended the call without the carrier, which may still have it"
        ),
        CallEventCode.SECOND_CALL: lambda data, _channel: (
            "the carrier has the call after it was given up: it is ended"
            if data.get("given_up")
            else "the carrier has a second call for the same request"
        ),
    }
)

"""The verifications and calls of a lead as its page shows them, in the time zone of its workspace."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.urls import reverse

from distribution.explain.types import StoryLine, TracedCall, TracedVerification
from distribution.models import BlockedPhone
from routing.models import Lead
from tracing import wording
from tracing.call_events import CallEventCode

PHONE_BLOCKED: Final = "phone_blocked"
# No call confirmed the request.
ENDED_WITHOUT: Final = frozenset({"person", "unverified"})
TONES: Final = {
    **dict.fromkeys(("verified", "confirmed"), "good"),
    **dict.fromkeys(("declined", "unverified", "opted_out", "invalid_phone", "failed", "not_placed"), "bad"),
    **dict.fromkeys(("waiting", "calling", "person", "busy", "no_answer", "voicemail", "no_input"), "wait"),
}


@dataclass(frozen=True, slots=True)
class CallRow:
    title: str
    channel: str
    at: str
    sentence: str
    tone: str
    lasted: str


@dataclass(frozen=True, slots=True)
class StoryRow:
    at: str
    code: str
    sentence: str
    by: str


@dataclass(frozen=True, slots=True)
class VerificationPanel:
    """`url`, `calls_url`: the lead's rows in the lists of verifications and of calls.

    `blocked_url`: the entry of the phone in the list of blocked phones, if it is why there is no call.
    """

    url: str
    calls_url: str
    state: str
    tone: str
    opened_at: str
    ended_at: str
    why: str
    next_step: str
    passes: str
    calls: tuple[CallRow, ...]
    story: tuple[StoryRow, ...]
    blocked_url: str


def build_verifications(
    verifications: Sequence[TracedVerification], *, lead: Lead
) -> tuple[VerificationPanel, ...]:
    """One statement more if a phone may be blocked."""
    is_blocked = any(_names_blocked(each) for each in verifications)
    blocked_url = _find_blocked(lead) if is_blocked else ""
    return tuple(_build(each, lead, blocked_url if _names_blocked(each) else "") for each in verifications)


def _names_blocked(verification: TracedVerification) -> bool:
    listed = {line.code for line in verification.story}
    return CallEventCode.PHONE_BLOCKED in listed or verification.reason == PHONE_BLOCKED


def _find_blocked(lead: Lead) -> str:
    """ "" once the entry was deleted."""
    blocked = BlockedPhone.objects.filter(workspace_id=lead.workspace_id, phone_hash=lead.phone_hash)
    found = blocked.values_list("pk", flat=True).first()
    return "" if found is None else reverse("admin:distribution_blockedphone_change", args=[found])


def _build(verification: TracedVerification, lead: Lead, blocked_url: str) -> VerificationPanel:
    timezone = lead.workspace.timezone
    return VerificationPanel(
        url=f"{reverse('admin:distribution_verification_changelist')}?q={lead.public_id}",
        calls_url=f"{reverse('admin:distribution_call_changelist')}?q={lead.public_id}"
        if verification.calls
        else "",
        state=verification.state_sentence.rstrip("."),
        tone=TONES.get(verification.state, "plain"),
        opened_at=_local(verification.opened_at, timezone),
        ended_at=_local(verification.ended_at, timezone),
        why=_find_why(verification),
        next_step=verification.next_step,
        passes=wording.sentence(wording.one_of(verification.passes)) if verification.passes else "",
        calls=tuple(_build_call(each, timezone) for each in verification.calls),
        story=tuple(_build_line(each, timezone) for each in verification.story),
        blocked_url=blocked_url,
    )


def _find_why(verification: TracedVerification) -> str:
    """Why there is no further call, and what followed. *Next step* says why there is none yet."""
    if verification.state not in ENDED_WITHOUT:
        return ""
    given_up = [line.sentence for line in verification.story if line.code == CallEventCode.GAVE_UP]
    return given_up[-1] if given_up else verification.reason_sentence


def _build_call(call: TracedCall, timezone: str) -> CallRow:
    return CallRow(
        title=call.title,
        channel=call.channel,
        at=_local(call.placed_at, timezone),
        sentence=call.sentence,
        tone=TONES.get(call.outcome, "wait"),
        lasted="" if call.duration_seconds is None else wording.span(call.duration_seconds),
    )


def _build_line(line: StoryLine, timezone: str) -> StoryRow:
    return StoryRow(_local(line.at, timezone), line.code, line.sentence, line.operator)


def _local(at: datetime | None, timezone: str) -> str:
    return "" if at is None else wording.local_second(at, timezone=timezone)

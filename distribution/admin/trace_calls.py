"""The verifications and calls of a lead as its page shows them, in the time zone of its workspace."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.urls import reverse

from distribution.explain.types import StoryLine, TracedCall, TracedVerification
from tracing import wording

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
    """`url`, `calls_url`: the lead's rows in the lists of verifications and of calls."""

    url: str
    calls_url: str
    state: str
    tone: str
    opened_at: str
    ended_at: str
    next_step: str
    passes: str
    calls: tuple[CallRow, ...]
    story: tuple[StoryRow, ...]


def build_verifications(
    verifications: Sequence[TracedVerification], *, lead: UUID, timezone: str
) -> tuple[VerificationPanel, ...]:
    """`lead`: its public id."""
    return tuple(_build(each, lead, timezone) for each in verifications)


def _build(verification: TracedVerification, lead: UUID, timezone: str) -> VerificationPanel:
    return VerificationPanel(
        url=f"{reverse('admin:distribution_verification_changelist')}?q={lead}",
        calls_url=f"{reverse('admin:distribution_call_changelist')}?q={lead}" if verification.calls else "",
        state=verification.state_sentence.rstrip("."),
        tone=TONES.get(verification.state, "plain"),
        opened_at=_local(verification.opened_at, timezone),
        ended_at=_local(verification.ended_at, timezone),
        next_step=verification.next_step,
        passes=wording.sentence(wording.one_of(verification.passes)) if verification.passes else "",
        calls=tuple(_build_call(each, timezone) for each in verification.calls),
        story=tuple(_build_line(each, timezone) for each in verification.story),
    )


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
    return StoryRow(_local(line.at, timezone), line.code, line.sentence, line.by)


def _local(at: datetime | None, timezone: str) -> str:
    return "" if at is None else wording.local_moment(at, timezone=timezone)

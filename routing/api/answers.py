"""The response bodies of the intake API.

They contain only JSON types: a stored response can be sent again unchanged.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.urls import reverse

from routing.api.errors import FieldsInvalid, build_error, describe_fields
from routing.intake.corrections import Correction, read_note
from routing.intake.inline import InlineDecision, Outcome
from routing.intake.markers import show_external_id
from routing.intake.parse import CleanLead, LeadInvalid
from routing.intake.store import AlreadyReceived, OverTestLimit, StoredLead
from routing.leads.explanation import visible_reason
from routing.models import LeadStatus
from routing.queries import LeadState
from tracing import wording
from tracing.models import AttemptResult
from tracing.skip_reasons import SKIP_REASONS, SkipReason
from tracing.vocabulary import CORRECTIONS
from tracing.wording import count

TEST_LIMIT: Final = "too_many_test_leads"


def describe_new(stored: StoredLead, *, lead: CleanLead) -> dict[str, Any]:
    """The body for a lead that waits for its decision."""
    received_at = write_time(stored.received_at)
    return {
        "id": str(stored.public_id),
        "external_id": show_external_id(lead.external_id or "", is_test=lead.is_test),
        "is_test": lead.is_test,
        "status": "pending",
        "result": None,
        "reason": None,
        "message": None,
        "buyers": None,
        "duplicate_of": None,
        "received_at": received_at,
        "next_attempt_at": received_at,
        "warnings": describe_corrections(lead.corrections),
    }


def describe_outcome(decided: InlineDecision, *, stored: Mapping[str, Any]) -> dict[str, Any]:
    """Describe a lead after its decision, as far as it is known. `stored` is the answer from when it was stored.

    An attempt whose trace could not be written or read still has its outcome.
    """
    state, outcome = decided.state, decided.outcome
    if state is None:
        known = {} if outcome is None else _describe_unread(outcome)
        return {**stored, **known, "incomplete": describe_incomplete(stored["id"])}
    # Only the first answer has the received values.
    body = {**describe_decided(state), "warnings": stored.get("warnings", [])}
    if outcome is None:
        return body
    return {**body, "result": outcome.result, "buyers": len(outcome.assignments)}


def _describe_unread(outcome: Outcome) -> dict[str, Any]:
    # It may have been sent to another workspace: see _visible_reason.
    reason = SKIP_REASONS.get(visible_reason(outcome.skip_reason, is_elsewhere=True))
    return {
        "status": outcome.status,
        "result": outcome.result,
        "reason": reason.code if reason else None,
        "message": reason.sentence if reason else None,
        "buyers": len(outcome.assignments),
        "next_attempt_at": write_time(outcome.next_attempt_at),
    }


def describe_incomplete(public_id: str) -> dict[str, str]:
    """Added to the stored body when the rest cannot be read right now."""
    return {
        "message": "The lead is stored. Other fields cannot be read right now. Request url again.",
        "url": reverse("lead", args=[public_id]),
    }


def describe_decided(state: LeadState) -> dict[str, Any]:
    reason = _visible_reason(state)
    incomplete = {} if state.is_complete else {"incomplete": describe_incomplete(str(state.public_id))}
    return {
        "id": str(state.public_id),
        "external_id": show_external_id(state.external_id, is_test=state.is_test),
        "is_test": state.is_test,
        "status": state.status,
        "result": state.result,
        "reason": reason.code if reason else None,
        "message": reason.sentence if reason else None,
        "buyers": _count_buyers(state),
        "duplicate_of": str(state.duplicate_of) if state.duplicate_of else None,
        "received_at": write_time(state.received_at),
        "next_attempt_at": write_time(state.next_attempt_at),
        "warnings": [_describe_note(note) for note in state.intake_notes],
        **incomplete,
    }


def _count_buyers(state: LeadState) -> int | None:
    """Return 0 only if that is known. It is not known before an attempt, or if its trace could not be written."""
    is_sold = state.status == LeadStatus.DISTRIBUTED or state.result == AttemptResult.SUCCESS
    if is_sold or state.result is None:
        return state.buyers
    return 0


def describe_corrections(corrections: Sequence[Correction]) -> list[dict[str, Any]]:
    """For the sender only, in the response to its own request: it repeats values."""
    return [
        {"field": each.field, "code": each.code, "received": each.received, "message": each.message}
        for each in corrections
    ]


def _describe_note(note: str) -> dict[str, Any]:
    """Describe a correction in a later read. The lead does not store ignored values."""
    name, code = read_note(note)
    return {"field": name, "code": code, "received": None, "message": CORRECTIONS.get(code, "")}


def _visible_reason(state: LeadState) -> SkipReason | None:
    """For a lead routed to another workspace, only reasons in the lead itself. Others are confidential."""
    return SKIP_REASONS.get(visible_reason(state.skip_reason, is_elsewhere=state.is_elsewhere))


def describe_lead(state: LeadState) -> dict[str, Any]:
    """Everything the sender may read later. Contact fields are left out: the sender has them."""
    return {
        **describe_decided(state),
        "vertical": state.vertical,
        "zip": state.zip,
        "attempts": state.attempts,
        "expires_at": write_time(state.expires_at),
        "finished_at": write_time(state.finished_at),
        "cancel_reason": state.cancel_reason or None,
        "verification": state.verification,
        "verified_at": write_time(state.verified_at),
    }


def describe_accepted(stored: StoredLead, *, index: int, lead: CleanLead) -> dict[str, Any]:
    return {
        "index": index,
        "status": "accepted",
        "id": str(stored.public_id),
        "is_test": lead.is_test,
        "warnings": describe_corrections(lead.corrections),
    }


def describe_rejected(
    problem: LeadInvalid | AlreadyReceived | OverTestLimit, *, index: int
) -> dict[str, Any]:
    if isinstance(problem, OverTestLimit):
        error = build_error(TEST_LIMIT, describe_test_limit())
    elif isinstance(problem, AlreadyReceived):
        message, extra = describe_repeated(problem.public_id)
        error = build_error("conflict", message, extra=extra)
    else:
        invalid = FieldsInvalid(describe_fields(problem.errors))
        error = build_error(invalid.error_code, invalid.message, fields=invalid.fields)
    return {"index": index, "status": "rejected", **error}


def describe_test_limit() -> str:
    limit = count(settings.LEADSWITCH_TEST_LEADS_PER_DAY, "test lead")
    return f"This source already sent {limit} today (UTC). Send the next one tomorrow. Real leads are not affected."


def describe_repeated(public_id: UUID | None) -> tuple[str, Mapping[str, str]]:
    """The message and details for a repeated external_id. None if the lead could not be read."""
    if public_id is None:
        return "This external_id was already received.", {}
    return f"This external_id was already received as lead {public_id}.", {"lead_id": str(public_id)}


def write_time(at: datetime | None) -> str | None:
    return wording.utc(at) if at else None

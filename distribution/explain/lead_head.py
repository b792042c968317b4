"""Explains what a lead is now: its status, why, when it is tried next, and what would have to change."""

from collections.abc import Sequence
from typing import Final

from distribution.explain.decisive import CONTINUING
from distribution.explain.types import AttemptExplanation, LeadHead, Participant, TracedVerification
from distribution.models import VerificationState
from routing.leads.actions import ASKED_BY_SENDER, DUE_REASON
from routing.leads.finish import DELIVERY_ENDED, OFFER_CLOSES, VERIFICATION_ENDED
from routing.leads.status_words import describe_status
from routing.models import Lead, LeadStatus
from routing.models.wakeup import GIVEN_UP
from tracing import wording
from tracing.models import AttemptResult
from tracing.names import Names
from tracing.narrator import WAITED_FOR, describe_lead_change, describe_reason
from tracing.obstacles import fixer_of
from tracing.skip_reasons import Fixer
from tracing.vocabulary import WAKE_CAUSES

ASKED: Final = {
    DUE_REASON: "An operator requested a re-run.",
    OFFER_CLOSES: "Its offer to buyers ends then, and an attempt closes it.",
    DELIVERY_ENDED: "A buyer's system has answered: the next buyer is asked.",
    VERIFICATION_ENDED: "Its verification has ended.",
    ASKED_BY_SENDER: "Its sender requested an attempt now.",
}

OF_OPERATOR: Final = "verify the person by hand, or give up"


def describe_lead(
    lead: Lead,
    *,
    attempts: Sequence[AttemptExplanation],
    names: Names,
    waits_for: TracedVerification | None = None,
) -> LeadHead:
    """`waits_for`: its open verification."""
    is_routed = lead.source_workspace_id != lead.workspace_id
    reason = lead.skip_reason
    reason_sentence = describe_reason(reason) if reason else ""
    change, fixer = _find_change(lead)
    if reason and waits_for is not None and waits_for.state == VerificationState.PERSON:
        reason_sentence = f"{reason_sentence} There is no further call. {waits_for.reason_sentence}".rstrip()
        change = OF_OPERATOR
    elif reason and waits_for is not None and waits_for.change:
        change = waits_for.change
    return LeadHead(
        public_id=lead.public_id,
        workspace=lead.workspace.name,
        source=lead.source.name,
        source_workspace=names.workspace(lead.source_workspace_id) if is_routed else "",
        vertical=lead.vertical,
        zip=lead.zip,
        status=lead.status,
        status_sentence=wording.sentence(describe_status(lead.status, reason=reason)),
        campaign=_find_campaign(attempts),
        received_at=lead.received_at,
        finished_at=lead.finished_at,
        due_at=lead.next_attempt_at,
        due_reason=lead.due_reason,
        due_sentence=_describe_due(lead, last=attempts[-1] if attempts else None),
        reason=reason,
        reason_sentence=reason_sentence,
        change=change,
        fixer=fixer,
        cancel_reason=lead.cancel_reason,
        attempts=lead.attempts,
        is_test=lead.is_test,
    )


def _find_campaign(attempts: Sequence[AttemptExplanation]) -> Participant | None:
    """Of the last decision: an attempt that goes on with an earlier one may have none of its own."""
    decided = [each for each in attempts if each.campaign or each.trigger not in CONTINUING]
    return decided[-1].campaign if decided else None


def _find_change(lead: Lead) -> tuple[str, str]:
    """Return what would have to change, and who can change it. A failed lead is not tried again by itself."""
    is_failed = lead.status == LeadStatus.FAILED
    if is_failed and lead.due_reason == GIVEN_UP:
        return "run the lead again: an operator gave up on it", Fixer.AGENCY.value
    reason = lead.skip_reason
    return describe_lead_change(reason, is_last=is_failed), fixer_of(reason, is_last=is_failed)


def _describe_due(lead: Lead, *, last: AttemptExplanation | None) -> str:
    """Why the lead is due at that time."""
    if lead.next_attempt_at is None:
        return ""
    if lead.due_reason in WAKE_CAUSES:
        return f"Retried because {WAKE_CAUSES[lead.due_reason]}."
    if lead.due_reason in ASKED:
        return ASKED[lead.due_reason]
    if lead.attempts == 0:
        return "The first attempt."
    if lead.next_attempt_at == lead.expires_at:
        return "The lead expires at that time."
    if last is not None and last.result == AttemptResult.DEFERRED and last.funnel:
        return wording.sentence(f"then {WAITED_FOR}")
    return describe_reason(lead.due_reason)

"""Answers "why didn't this buyer get that lead?", attempt by attempt."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from distribution.explain.types import (
    AttemptAnswer,
    AttemptExplanation,
    BuyerExplanation,
    BuyerRow,
    Participant,
    TracedSale,
)
from distribution.models import AssignmentState, Buyer, Enrollment
from routing.models import Lead
from tracing import wording
from tracing.narrator import describe_lead_change, describe_reason, needs_person
from tracing.obstacles import fixer_of
from tracing.skip_reasons import Fixer
from tracing.vocabulary import Event


@dataclass(frozen=True, slots=True)
class EnrolledBuyer:
    buyer: Participant
    # Public ids of the explanation's campaigns in which the buyer is enrolled now.
    enrolled_in: frozenset[object]


def answer_for(
    buyer: Buyer, *, lead: Lead, attempts: Sequence[AttemptExplanation], sales: Sequence[TracedSale]
) -> BuyerExplanation:
    """`attempts` must have at least the rows of this buyer. One statement: where the buyer is enrolled now."""
    participant = Participant(buyer.public_id, buyer.name)
    if buyer.workspace_id != lead.workspace_id:
        sentence = (
            f"{buyer.name} is in the workspace {buyer.workspace.name}, and the lead is in {lead.workspace.name}. "
            "A lead is only offered to buyers of its own workspace."
        )
        return BuyerExplanation(participant, got_it=False, sentence=sentence, attempts=())
    question = EnrolledBuyer(participant, _enrolled_in(buyer, attempts))
    answers = tuple(_answer_attempt(attempt, question) for attempt in attempts)
    bought = [sale for sale in sales if sale.buyer.public_id == buyer.public_id]
    return BuyerExplanation(
        participant,
        got_it=any(sale.state == AssignmentState.SOLD for sale in bought),
        sentence=_summarize(buyer.name, lead=lead, answers=answers, bought=bought),
        attempts=answers,
    )


def _enrolled_in(buyer: Buyer, attempts: Sequence[AttemptExplanation]) -> frozenset[UUID]:
    tried = [attempt.campaign for attempt in attempts if attempt.campaign]
    campaigns = {campaign.public_id for campaign in tried if campaign.public_id}
    enrollments = Enrollment.objects.filter(buyer_id=buyer.pk, campaign__public_id__in=campaigns)
    return frozenset(enrollments.values_list("campaign__public_id", flat=True))


def _summarize(
    name: str, *, lead: Lead, answers: Sequence[AttemptAnswer], bought: Sequence[TracedSale]
) -> str:
    if bought:
        return f"{name} {_describe_possession(bought)} this lead. {bought[-1].sentence}"
    if answers:
        return f"{name} did not get this lead. {answers[-1].sentence}"
    if lead.attempts:
        return f"{name} did not get this lead, and no attempt recorded why."
    if lead.finished_at is not None:
        return f"{name} did not get this lead: it ended before any attempt was made."
    return f"{name} has not been considered: no attempt has been made yet."


def _describe_possession(bought: Sequence[TracedSale]) -> str:
    states = {sale.state for sale in bought}
    if AssignmentState.SOLD in states:
        return "got"
    if AssignmentState.HELD in states:
        return "may get"
    return "returned" if AssignmentState.RETURNED in states else "rejected"


def _answer_attempt(attempt: AttemptExplanation, question: EnrolledBuyer) -> AttemptAnswer:
    row = next((row for row in attempt.buyers if row.buyer.public_id == question.buyer.public_id), None)
    if row is not None:
        return _answer_from_row(attempt, row)
    if attempt.campaign is None:
        return _answer(attempt, f"No campaign took the lead: {describe_reason(attempt.reason)}")
    if any(step.event == Event.BUYER_POOL_COMPOSED for step in attempt.steps):
        return _not_enrolled(attempt, attempt.campaign, question)
    sentence = f"{attempt.campaign.name} took the lead, but no buyer was considered: {describe_reason(attempt.reason)}"
    if attempt.campaign.public_id not in question.enrolled_in:
        sentence += f" {question.buyer.name} is not enrolled in {attempt.campaign.name} either."
    return _answer(attempt, sentence)


def _answer_from_row(attempt: AttemptExplanation, row: BuyerRow) -> AttemptAnswer:
    return AttemptAnswer(
        number=attempt.number,
        got_it=row.outcome == "selected" and attempt.result == "success",
        reason=row.reason,
        sentence=row.sentence,
        change=row.change,
        fixer=row.fixer,
    )


def _not_enrolled(
    attempt: AttemptExplanation, campaign: Participant, question: EnrolledBuyer
) -> AttemptAnswer:
    version = "" if attempt.config_version is None else f" (configuration {attempt.config_version})"
    if campaign.public_id in question.enrolled_in:
        change = "nothing: it is enrolled now, so the next attempt includes it"
    else:
        change = f"enroll {question.buyer.name} in {campaign.name}"
    return AttemptAnswer(
        number=attempt.number,
        got_it=False,
        reason="",
        sentence=f"{question.buyer.name} was not enrolled in {campaign.name}{version}.",
        change=change,
        fixer=Fixer.AGENCY,
    )


def _answer(attempt: AttemptExplanation, sentence: str) -> AttemptAnswer:
    return AttemptAnswer(
        number=attempt.number,
        got_it=False,
        reason=attempt.reason,
        sentence=wording.sentence(sentence),
        change=describe_lead_change(attempt.reason, is_last=needs_person(attempt.result)),
        fixer=fixer_of(attempt.reason, is_last=needs_person(attempt.result)),
    )

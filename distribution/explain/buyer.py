"""Answers "why didn't this buyer get that lead?", attempt by attempt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from distribution.explain.decisive import CONTINUING
from distribution.explain.types import (
    AttemptAnswer,
    AttemptExplanation,
    BuyerExplanation,
    BuyerRow,
    OfferedBuyer,
    Participant,
    TracedOffer,
    TracedSale,
    TracedVerification,
)
from distribution.explain.verification import describe_gate
from distribution.models import AssignmentState, Buyer, Enrollment
from routing.models import Lead
from tracing import wording
from tracing.models import AttemptTrigger
from tracing.narrator import describe_lead_change, describe_reason, needs_person
from tracing.obstacles import fixer_of
from tracing.skip_reasons import Fixer
from tracing.vocabulary import Event


@dataclass(frozen=True, slots=True)
class EnrolledBuyer:
    buyer: Participant
    # Public ids of the explanation's campaigns in which the buyer is enrolled now.
    enrolled_in: frozenset[object]
    # What it was shown, by the number of the attempt.
    shown: Mapping[int, OfferedBuyer]

    def find_row(self, attempt: AttemptExplanation) -> BuyerRow | None:
        return next((row for row in attempt.buyers if row.buyer.public_id == self.buyer.public_id), None)

    def is_considered(self, attempt: AttemptExplanation) -> bool:
        row = self.find_row(attempt)
        return attempt.number in self.shown or (row is not None and not row.is_left_out)


def answer_for(
    buyer: Buyer,
    *,
    lead: Lead,
    attempts: Sequence[AttemptExplanation],
    offers: Sequence[TracedOffer],
    sales: Sequence[TracedSale],
    waits_for: TracedVerification | None = None,
) -> BuyerExplanation:
    """`attempts` and `offers` must have at least the rows of this buyer. `waits_for`: the open verification.

    One statement: where the buyer is enrolled now.
    """
    participant = Participant(buyer.public_id, buyer.name)
    if buyer.workspace_id != lead.workspace_id:
        sentence = (
            f"{buyer.name} is in the workspace {buyer.workspace.name}, and the lead is in {lead.workspace.name}. "
            "A lead is only offered to buyers of its own workspace."
        )
        return BuyerExplanation(participant, got_it=False, sentence=sentence, attempts=())
    shown = {offer.attempt: each for offer in offers for each in offer.buyers if each.buyer == participant}
    question = EnrolledBuyer(participant, _enrolled_in(buyer, attempts), shown)
    answered = [(each, _answer_attempt(each, question)) for each in attempts if _is_answered(each, question)]
    answers = tuple(answer for _, answer in answered)
    bought = [sale for sale in sales if sale.buyer.public_id == buyer.public_id]
    decisive = _find_decisive(answered, question)
    sentence = _summarize(buyer.name, lead=lead, decisive=decisive, bought=bought)
    return BuyerExplanation(
        participant,
        got_it=any(sale.state == AssignmentState.SOLD for sale in bought),
        sentence=sentence if waits_for is None else f"{sentence} {describe_gate(waits_for)}",
        attempts=answers,
    )


def _enrolled_in(buyer: Buyer, attempts: Sequence[AttemptExplanation]) -> frozenset[UUID]:
    tried = [attempt.campaign for attempt in attempts if attempt.campaign]
    campaigns = {campaign.public_id for campaign in tried if campaign.public_id}
    enrollments = Enrollment.objects.filter(buyer_id=buyer.pk, campaign__public_id__in=campaigns)
    return frozenset(enrollments.values_list("campaign__public_id", flat=True))


def _summarize(name: str, *, lead: Lead, decisive: AttemptAnswer | None, bought: Sequence[TracedSale]) -> str:
    if bought:
        return f"{name} {_describe_possession(bought)} this lead. {bought[-1].sentence}"
    if decisive is not None:
        return f"{name} did not get this lead. {decisive.sentence}"
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


def _find_decisive(
    answered: Sequence[tuple[AttemptExplanation, AttemptAnswer]], question: EnrolledBuyer
) -> AttemptAnswer | None:
    """The answer of the latest attempt that considered the buyer. See distribution.explain.decisive."""
    for attempt, answer in reversed(answered):
        if attempt.trigger not in CONTINUING or question.is_considered(attempt):
            return answer
    return answered[-1][1] if answered else None


def _is_answered(attempt: AttemptExplanation, question: EnrolledBuyer) -> bool:
    """The claim of another buyer says nothing about this one."""
    return attempt.trigger != AttemptTrigger.CLAIM or question.is_considered(attempt)


def _answer_attempt(attempt: AttemptExplanation, question: EnrolledBuyer) -> AttemptAnswer:
    row = question.find_row(attempt)
    if row is not None:
        return _answer_from_row(attempt, row)
    shown = question.shown.get(attempt.number)
    if shown is not None:
        return _answer_from_offer(attempt, shown)
    if attempt.trigger == AttemptTrigger.OFFER_CLOSED and not _has_pool(attempt) and attempt.reason:
        return _answer(
            attempt, f"The offer ended, and no buyer was considered: {describe_reason(attempt.reason)}"
        )
    if attempt.campaign is None:
        return _answer(attempt, f"No campaign took the lead: {describe_reason(attempt.reason)}")
    if _has_pool(attempt):
        return _not_enrolled(attempt, attempt.campaign, question)
    sentence = f"{attempt.campaign.name} took the lead, but no buyer was considered: {describe_reason(attempt.reason)}"
    if attempt.campaign.public_id not in question.enrolled_in:
        sentence += f" {question.buyer.name} is not enrolled in {attempt.campaign.name} either."
    return _answer(attempt, sentence)


def _has_pool(attempt: AttemptExplanation) -> bool:
    return any(step.event == Event.BUYER_POOL_COMPOSED for step in attempt.steps)


def _answer_from_offer(attempt: AttemptExplanation, shown: OfferedBuyer) -> AttemptAnswer:
    """The attempt showed the buyer the lead. A claim is an attempt of its own."""
    return AttemptAnswer(
        number=attempt.number,
        got_it=False,
        reason=shown.reason,
        sentence=shown.sentence,
        change=shown.change,
        fixer=shown.fixer,
    )


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

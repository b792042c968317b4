"""The sales of a lead in its workspace, in words. Reads only."""

from collections.abc import Mapping
from typing import Final

from django.db.models import QuerySet

from distribution.explain.participants import Participants
from distribution.explain.types import TracedSale
from distribution.models import Assignment, AssignmentState
from routing.models import Lead
from tracing import wording

SALES: Final[Mapping[str, str]] = {
    AssignmentState.SOLD: "Sold to {buyer} for {price} at {at}.",
    AssignmentState.RETURNED: "Sold to {buyer} for {price} at {at}.",
    AssignmentState.HELD: "Waiting for the system of {buyer} since {at}; {price} is held.",
    AssignmentState.REJECTED: "The system of {buyer} was asked at {at} and rejected the lead; nothing was charged.",
}

HELD_TEST: Final = "Waiting for the system of {buyer} since {at}; nothing is held."


def describe_sale(assignment: Assignment, participants: Participants) -> TracedSale:
    buyer, price = participants.buyer(assignment.buyer_id), wording.money(assignment.price_cents)
    is_asked_test = assignment.is_test and assignment.state == AssignmentState.HELD
    at = assignment.sold_at or assignment.created_at
    template = HELD_TEST if is_asked_test else SALES[assignment.state]
    sentence = template.format(buyer=buyer.name, price=price, at=wording.moment(at))
    if assignment.reject_reason:
        sentence += f' Reason: "{assignment.reject_reason}".'
    if assignment.state == AssignmentState.RETURNED and assignment.returned_at is not None:
        refunded = "" if assignment.is_test else "; the charge was refunded"
        sentence += f" Returned at {wording.moment(assignment.returned_at)}{refunded}."
    if assignment.is_test:
        sentence += " It is a test: the buyer was not charged."
    return TracedSale(
        assignment_id=assignment.public_id,
        buyer=buyer,
        price_cents=assignment.price_cents,
        state=assignment.state,
        sold_at=assignment.sold_at,
        returned_at=assignment.returned_at,
        sentence=sentence,
        is_test=assignment.is_test,
    )


def read_own_sales(lead: Lead) -> QuerySet[Assignment]:
    """Leave out sales in workspaces where the lead was before: their prices are confidential."""
    sales = Assignment.objects.filter(lead_id=lead.pk, buyer__workspace_id=lead.workspace_id)
    return sales.order_by("created_at", "pk")

"""An operator takes a lead back without a request of the buyer. No window and no limit applies."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from distribution.configuration.return_reasons import BY_AGENCY
from distribution.models import Assignment, AssignmentState, ReturnRequest, ReturnState
from distribution.returns.decide import Decision, approve_held
from distribution.returns.held import HeldAssignment, hold_assignment
from distribution.returns.policy import Ask
from distribution.returns.request import open_request
from routing.leads.actions import ActionRefused


def return_assignment(public_id: UUID, *, actor: str, reason: str, at: datetime | None = None) -> Assignment:
    """Refund all that is left of the charge and take the lead back. Idempotent: a repeat changes nothing.

    It approves the buyer's open request, if there is one. Raises Assignment.DoesNotExist, ActionRefused.
    """
    assignment, _ = _return(public_id, actor=actor, reason=reason, at=at or timezone.now())
    return assignment


def return_by_hand(assignment: Assignment, *, actor: str, reason: str) -> bool:
    """The same for a page. Returns False if the lead was returned already. Raises ActionRefused."""
    returned, is_new = _return(assignment.public_id, actor=actor, reason=reason, at=timezone.now())
    assignment.state, assignment.returned_at = returned.state, returned.returned_at
    return is_new


def _return(public_id: UUID, *, actor: str, reason: str, at: datetime) -> tuple[Assignment, bool]:
    if not reason.strip():
        message = "a return needs a reason"
        raise ActionRefused(message)
    with transaction.atomic():
        held = hold_assignment(Assignment.objects.values_list("pk", flat=True).get(public_id=public_id))
        assignment = held.assignment
        if assignment.state == AssignmentState.RETURNED:
            return assignment, False
        if assignment.state != AssignmentState.SOLD:
            message = "the buyer does not have this lead"
            raise ActionRefused(message)
        request = _find_or_open(held, actor=actor, at=at)
        approve_held(request, held, Decision(actor, at, reason))
    return assignment, True


def _find_or_open(held: HeldAssignment, *, actor: str, at: datetime) -> ReturnRequest:
    """A buyer's open request for a part of the charge ends too, but this return refunds all of it."""
    assignment = held.assignment
    found = assignment.returns.filter(state=ReturnState.REQUESTED).first()
    if found is None:
        return open_request(assignment, Ask(BY_AGENCY), actor=actor, at=at)
    found.asked_cents = None
    found.save(update_fields=["asked_cents"])
    return found

"""An operator takes a lead back without a request of the buyer. No window and no limit applies."""

from datetime import datetime

from django.db import transaction

from distribution.configuration.return_reasons import BY_AGENCY
from distribution.models import Assignment, AssignmentState, ReturnRequest, ReturnState
from distribution.returns.decide import Decision, approve_held
from distribution.returns.held import HeldAssignment, hold_assignment
from distribution.returns.policy import Ask
from distribution.returns.request import open_request
from routing.leads.actions import ActionRefused


def return_by_hand(assignment: Assignment, *, actor: str, reason: str, at: datetime) -> bool:
    """Refund all that is left of the charge and take the lead back. Idempotent: False if it was returned already.

    It approves the buyer's open request, if there is one. `assignment` has the new state afterwards. Raises
    Assignment.DoesNotExist, ActionRefused.
    """
    if not reason.strip():
        message = "a return needs a reason"
        raise ActionRefused(message)
    with transaction.atomic():
        held = hold_assignment(assignment.pk)
        is_new = _return(held, Decision(actor, at, reason))
    assignment.state, assignment.returned_at = held.assignment.state, held.assignment.returned_at
    return is_new


def _return(held: HeldAssignment, by: Decision) -> bool:
    if held.assignment.state == AssignmentState.RETURNED:
        return False
    if held.assignment.state != AssignmentState.SOLD:
        message = "the buyer does not have this lead"
        raise ActionRefused(message)
    approve_held(_find_or_open(held, by), held, by)
    return True


def _find_or_open(held: HeldAssignment, by: Decision) -> ReturnRequest:
    """A buyer's open request for a part of the charge ends too, but this return refunds all of it."""
    assignment = held.assignment
    found = assignment.returns.filter(state=ReturnState.REQUESTED).first()
    if found is None:
        return open_request(assignment, Ask(BY_AGENCY), actor=by.actor, at=by.at)
    found.asked_cents = None
    found.save(update_fields=["asked_cents"])
    return found

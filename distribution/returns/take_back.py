"""The end of a sale: the assignment is returned, and what it used is given back if the campaign says so.

Moves no money. What was not sent to the buyer yet is canceled. A lead that no buyer holds gets the status `returned`,
and may be offered once to other buyers.
"""

from datetime import datetime, timedelta

from distribution.attempts.taken_back import cancel_deliveries
from distribution.counters import find_latest_sale, give_back_sale
from distribution.models import Assignment, AssignmentState, ReturnPolicy, ReturnRequest
from routing.leads.finish import close_returned, reopen_returned
from routing.models import Lead


def take_back(assignment: Assignment, *, enrollment_id: int | None, at: datetime) -> None:
    """Needs the locks of lead, deliveries, wallet and enrollment, and an assignment read under them."""
    if assignment.campaign.returns_restore_caps and not assignment.is_test:  # a test counts in nothing
        assignment.is_counted = False
        if enrollment_id is not None:
            give_back_sale(assignment, enrollment_id=enrollment_id)
    assignment.state = AssignmentState.RETURNED
    assignment.returned_at = at
    assignment.returned_after = find_latest_sale(assignment)
    assignment.save(update_fields=["state", "returned_at", "returned_after", "is_counted"])
    cancel_deliveries(assignment.pk, at=at)
    if not Assignment.objects.filter(lead_id=assignment.lead_id, state=AssignmentState.SOLD).exists():
        close_returned(assignment.lead_id, at=at)


def resell(assignment: Assignment, *, policy: ReturnPolicy | None, at: datetime) -> bool:
    """Make the returned lead due again, once. The engine skips every buyer that had it. Needs the lead's lock."""
    if policy is None or not policy.resells:
        return False
    lead = Lead.objects.only("received_at").get(pk=assignment.lead_id)
    hours = policy.resale_hours
    is_old = hours is not None and at > lead.received_at + timedelta(hours=hours)
    if is_old or ReturnRequest.objects.filter(lead_id=lead.pk, is_resold=True).exists():
        return False
    return reopen_returned(lead.pk, at=at)

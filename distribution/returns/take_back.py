"""The end of a sale: the assignment is returned, and what it used is given back if the campaign says so.

Moves no money. A lead that no buyer holds gets the status `returned`, and may be offered once to other buyers.
"""

from datetime import datetime, timedelta

from distribution.counters import counted_in, counters_of
from distribution.engine import give_back, one_turn
from distribution.models import Assignment, AssignmentState, Enrollment, ReturnPolicy, ReturnRequest
from routing.leads.finish import close_returned, reopen_returned
from routing.models import Lead


def take_back(assignment: Assignment, *, enrollment_id: int | None, at: datetime) -> None:
    """Needs the locks of lead, wallet and enrollment, and an assignment read under them."""
    if assignment.campaign.returns_restore_caps and not assignment.is_test:  # a test counts in nothing
        assignment.is_counted = False
        if enrollment_id is not None:
            _give_back(assignment, enrollment_id=enrollment_id)
    assignment.state = AssignmentState.RETURNED
    assignment.returned_at = at
    pair = Assignment.objects.filter(campaign_id=assignment.campaign_id, buyer_id=assignment.buyer_id)
    assignment.returned_after = pair.order_by("-pk").values_list("pk", flat=True)[0]
    assignment.save(update_fields=["state", "returned_at", "returned_after", "is_counted"])
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


def _give_back(assignment: Assignment, *, enrollment_id: int) -> None:
    """Read the counters again under their lock, and remove this sale from its windows and its turn."""
    enrollment = Enrollment.everything.select_related("buyer").get(pk=enrollment_id)
    assert assignment.counted_on is not None  # noqa: S101 - a constraint of the table
    windows = counted_in(
        assignment.counted_on, sold_at=assignment.created_at, timezone=enrollment.buyer.timezone
    )
    restored = give_back(counters_of(enrollment), counted_in=windows, price_cents=assignment.price_cents)
    turn = one_turn(assignment.campaign.mode, weight=enrollment.weight)
    changes: dict[str, object] = {"virtual_finish": max(0, enrollment.virtual_finish - turn)}
    for window, (_, leads, spent_cents) in restored.items():
        changes[f"{window}_leads"], changes[f"{window}_spent_cents"] = leads, spent_cents
    Enrollment.everything.filter(pk=enrollment.pk).update(**changes)

"""Takes a sold lead back: refunds the charge in full and, if the campaign allows it, restores the buyer's caps.

A lead that no buyer holds gets the status `returned`. It may be sold again to buyers that have not had it.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from distribution import metrics
from distribution.counters import find_latest_sale, give_back_sale
from distribution.locks import lock_for_return
from distribution.models import Assignment, AssignmentState
from distribution.money.wallet import refund
from routing.dispatch.enqueue import after_commit
from routing.leads.actions import ActionRefused
from routing.leads.finish import close_returned
from routing.locks.attempts import wait_for_lead

NOT_RETURNABLE: Final[Mapping[str, str]] = {
    AssignmentState.HELD: "the buyer's system has not accepted the lead yet, so there is nothing to return",
    AssignmentState.REJECTED: "the buyer's system rejected the lead, so nothing was charged",
}


def return_assignment(public_id: UUID, *, actor: str, reason: str, at: datetime | None = None) -> Assignment:
    """Return one assignment. Idempotent: a repeat changes nothing.

    Locks in the product's order: lead, then enrollment and wallet. Raises Assignment.DoesNotExist, ActionRefused.
    """
    if not reason.strip():
        message = "a return needs a reason"
        raise ActionRefused(message)
    with transaction.atomic():
        lead_id = Assignment.objects.values_list("lead_id", flat=True).get(public_id=public_id)
        wait_for_lead(lead_id)
        assignment = Assignment.objects.select_related("campaign").get(public_id=public_id)
        if assignment.state == AssignmentState.RETURNED:
            return assignment
        if assignment.state != AssignmentState.SOLD:
            message = NOT_RETURNABLE[assignment.state]
            raise ActionRefused(message)
        _take_back(assignment, actor=actor, reason=reason, at=at or timezone.now())
    return assignment


def _take_back(assignment: Assignment, *, actor: str, reason: str, at: datetime) -> None:
    if assignment.is_test:  # it charged nothing and counts in nothing
        _close(assignment, at=at)
        return
    enrollment_id = lock_for_return(campaign_id=assignment.campaign_id, buyer_id=assignment.buyer_id)
    if assignment.campaign.returns_restore_caps:
        assignment.is_counted = False
        if enrollment_id is not None:
            give_back_sale(assignment, enrollment_id=enrollment_id)
    refunded = refund(
        assignment_id=assignment.pk,
        buyer_id=assignment.buyer_id,
        key=f"return:{assignment.public_id}",
        actor=actor,
        reason=reason,
    )
    _close(assignment, at=at)
    after_commit(partial(_count, 0 if refunded is None else refunded.amount_cents))


def _close(assignment: Assignment, *, at: datetime) -> None:
    assignment.state = AssignmentState.RETURNED
    assignment.returned_at = at
    assignment.returned_after = find_latest_sale(assignment)
    assignment.save(update_fields=["state", "returned_at", "returned_after", "is_counted"])
    if not Assignment.objects.filter(lead_id=assignment.lead_id, state=AssignmentState.SOLD).exists():
        close_returned(assignment.lead_id, at=at)


def _count(cents: int) -> None:
    metrics.LEADS_RETURNED.inc()
    metrics.CENTS_REFUNDED.inc(cents)

"""Takes a sold lead back: refunds the charge in full and, if the campaign allows it, restores the buyer's caps.

A lead that no buyer holds gets the status `returned`. It may be sold again to buyers that have not had it.
"""

from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from distribution import metrics
from distribution.counters import counted_in, counters_of
from distribution.engine import give_back, one_turn
from distribution.locks import lock_for_return
from distribution.models import Assignment, AssignmentState, Enrollment
from distribution.money.wallet import refund
from routing.dispatch.enqueue import after_commit
from routing.leads.actions import ActionRefused
from routing.leads.finish import close_returned
from routing.locks.attempts import wait_for_lead


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
            _give_back(assignment, enrollment_id=enrollment_id)
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
    pair = Assignment.objects.filter(campaign_id=assignment.campaign_id, buyer_id=assignment.buyer_id)
    assignment.returned_after = pair.order_by("-pk").values_list("pk", flat=True)[0]
    assignment.save(update_fields=["state", "returned_at", "returned_after", "is_counted"])
    if not Assignment.objects.filter(lead_id=assignment.lead_id, state=AssignmentState.SOLD).exists():
        close_returned(assignment.lead_id, at=at)


def _count(cents: int) -> None:
    metrics.LEADS_RETURNED.inc()
    metrics.CENTS_REFUNDED.inc(cents)


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

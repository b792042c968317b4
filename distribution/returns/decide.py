"""Approves or declines a return. An approval moves the money, once, in the transaction that ends the request."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from django.db import transaction

from distribution import metrics
from distribution.models import AssignmentState, LedgerEntry, ReturnPolicy, ReturnRequest, ReturnState
from distribution.money.wallet import charge_left, refund
from distribution.returns.held import HeldAssignment, hold_assignment
from distribution.returns.policy import find_policy
from distribution.returns.refusals import ReturnRefused
from distribution.returns.take_back import resell, take_back
from routing.dispatch.enqueue import after_commit
from tracing import audit

AUDITED: Final = ["state", "is_full", "refund_cents", "is_resold", "decision_reason"]
AUDITED_SALE: Final = ["state", "returned_at"]


@dataclass(frozen=True, slots=True)
class Decision:
    """Who decides, when and why.

    `amount_cents`: another amount than was asked for. None: as asked. All that is left of the charge is a full return.
    """

    actor: str
    at: datetime
    reason: str = ""
    amount_cents: int | None = None
    is_automatic: bool = False


def approve_return(request_id: int, by: Decision) -> bool:
    """Refund, and for a full return take the lead back. Returns False if it was approved before: nothing changes.

    Raises ReturnRefused if it ended in another way, MoneyRefused if the amount is more than what is left of the charge.
    """
    with transaction.atomic():
        request = ReturnRequest.objects.get(pk=request_id)
        held = hold_assignment(request.assignment_id)
        request.refresh_from_db()
        if request.state == ReturnState.APPROVED:
            return False
        _refuse_ended(request)
        approve_held(request, held, by)
    return True


def decline_return(request_id: int, by: Decision) -> bool:
    """End a request without moving money. Returns False if it was declined before. Raises ReturnRefused."""
    if not by.reason.strip():
        raise ReturnRefused("tell the buyer why it is declined", code="required", field="reason")
    with transaction.atomic():
        request = ReturnRequest.objects.get(pk=request_id)
        hold_assignment(request.assignment_id)
        request.refresh_from_db()
        if request.state == ReturnState.DECLINED:
            return False
        _refuse_ended(request)
        end_request(request, state=ReturnState.DECLINED, by=by, changes={})
    return True


def approve_held(request: ReturnRequest, held: HeldAssignment, by: Decision) -> None:
    """Needs an open request and its locks."""
    assignment = held.assignment
    if assignment.state != AssignmentState.SOLD:
        raise ReturnRefused("the buyer no longer has this lead", code="not_held")
    amount_cents = find_part(request, amount_cents=by.amount_cents)
    entry = _refund(request, amount_cents=amount_cents, by=by)
    policy = find_policy(assignment.buyer)
    is_full = amount_cents is None
    is_resold = is_full and _end_sale(held, policy=policy, by=by)
    refund_cents = 0 if entry is None else entry.amount_cents
    changes: dict[str, object] = {
        "is_full": is_full,
        "refund": entry,
        "refund_cents": refund_cents,
        "is_resold": is_resold,
    }
    end_request(request, state=ReturnState.APPROVED, by=by, changes=changes)
    if not assignment.is_test:
        after_commit(partial(_count_refund, refund_cents, is_full=is_full))


def find_part(request: ReturnRequest, *, amount_cents: int | None) -> int | None:
    """The partial refund that this amount (None: as asked) means. None: a full return, which takes the lead back.

    A buyer does not keep a lead for which it got everything back. So all that is left of the charge is no part of it,
    also if earlier refunds left no more than was asked for.
    """
    part_cents = request.asked_cents if amount_cents is None else amount_cents
    return None if part_cents == charge_left(request.assignment_id) else part_cents


def _refund(request: ReturnRequest, *, amount_cents: int | None, by: Decision) -> LedgerEntry | None:
    return refund(
        assignment_id=request.assignment_id,
        buyer_id=request.buyer_id,
        key=f"return:{request.public_id}",
        actor=by.actor,
        reason=by.reason or request.get_reason_display(),
        amount_cents=amount_cents,
    )


def _end_sale(held: HeldAssignment, *, policy: ReturnPolicy | None, by: Decision) -> bool:
    """Returns whether the lead is offered to other buyers."""
    assignment = held.assignment
    before = audit.read_state(assignment, fields=AUDITED_SALE)
    take_back(assignment, enrollment_id=held.enrollment_id, at=by.at)
    audit.record(
        actor=by.actor,
        action="return",
        target=assignment,
        workspace_id=assignment.buyer.workspace_id,
        reason=by.reason,
        before=before,
        after=audit.read_state(assignment, fields=AUDITED_SALE),
    )
    return resell(assignment, policy=policy, at=by.at)


def end_request(
    request: ReturnRequest, *, state: ReturnState, by: Decision, changes: dict[str, object]
) -> None:
    """Write the end and its audit entry. Needs the lock of the request's lead, and an open request."""
    before = audit.read_state(request, fields=AUDITED)
    values: dict[str, object] = {
        "state": state,
        "decided_at": by.at,
        "decided_by": by.actor,
        "decision_reason": by.reason.strip(),
        "is_automatic": by.is_automatic,
        **changes,
    }
    for name, value in values.items():
        setattr(request, name, value)
    request.save(update_fields=list(values))
    audit.record(
        actor=by.actor,
        action=state.value,
        target=request,
        workspace_id=request.buyer.workspace_id,
        reason=by.reason,
        before=before,
        after=audit.read_state(request, fields=AUDITED),
    )
    after_commit(partial(count_event, state))


def _refuse_ended(request: ReturnRequest) -> None:
    if request.state != ReturnState.REQUESTED:
        state = ReturnState(request.state).label
        raise ReturnRefused(f"it is already {state}; nothing was changed", code="already_ended")


def count_event(state: ReturnState) -> None:
    """After the commit."""
    metrics.RETURN_REQUESTS.labels(event=state.value).inc()


def _count_refund(cents: int, *, is_full: bool) -> None:
    if is_full:
        metrics.LEADS_RETURNED.inc()
    metrics.CENTS_REFUNDED.inc(cents)

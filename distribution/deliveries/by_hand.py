"""What a person does with a delivery: decides it while it has no end, sends it again, or settles a late acceptance.

Every decision has a reason and an audit entry in its transaction.
"""

from datetime import datetime
from typing import Final

from django.db import transaction

from distribution import metrics
from distribution.attempts.capture import CaptureRefused
from distribution.deliveries.locks import lock_delivery, lock_for_settling
from distribution.deliveries.settling import ACCEPTED_LATE, settle
from distribution.models import AssignmentState, Delivery, DeliveryState, Endpoint
from distribution.models.assignment import LIVE
from routing.dispatch.enqueue import enqueue_leads_after_commit
from tracing import audit

DECISIONS: Final = (DeliveryState.ACCEPTED, DeliveryState.REJECTED)
# A request that runs has an answer soon, or its lease ends.
DECIDABLE: Final = (DeliveryState.PENDING, DeliveryState.UNKNOWN)
ENDED_WORDS: Final = {DeliveryState.ACCEPTED: "accepted by hand", DeliveryState.REJECTED: "rejected by hand"}
# What makes two messages bring the same to the same endpoint.
SAME: Final = ("endpoint_id", "lead_id", "assignment_id", "event_id")
WHY_NOT_AGAIN: Final = {
    AssignmentState.RETURNED: "the buyer returned this lead, so it is not sent to the buyer again. "
    "To sell it to the buyer once more, assign the lead by hand",
    AssignmentState.REJECTED: "this sale was rejected and its price released, so the lead is not sent to the buyer "
    "again. To sell it to the buyer, assign the lead by hand",
}


REMOVED: Final = "it is an old message of an event and was just removed"


class ResolutionRefused(ValueError):
    """Nothing was changed. The message says why."""


def resolve(
    delivery_id: int,
    *,
    state: DeliveryState,
    at: datetime,
    actor: str,
    reason: str,
    charge_cents: int | None = None,
) -> None:
    """End a delivery that waits for a person or for its next try. A lead that is due again is enqueued.

    `charge_cents`: what an accepted direct post costs, if it is less than the held price.

    Locks the lead of a sale, then the delivery: the sale and its money change in the same transaction.
    Raises ResolutionRefused.
    """
    if state not in DECISIONS:
        raise ResolutionRefused("decide accepted or rejected")
    with transaction.atomic():
        row = _lock(delivery_id)
        _refuse_undecidable(row)
        row.state, row.ended_at, row.ended_by, row.end_reason = state, at, actor[:150], reason[:200]
        row.next_try_at = None
        row.save(update_fields=["state", "ended_at", "ended_by", "end_reason", "next_try_at"])
        _audit(row, action=ENDED_WORDS[state], actor=actor, reason=reason)
        if row.is_direct_post and row.assignment_id is not None:
            due_lead_id = _settle(row, charge_cents=charge_cents)
            if due_lead_id is not None:
                enqueue_leads_after_commit(due_lead_id)
    metrics.DELIVERIES_ENDED.labels(state=state.value).inc()


def _settle(row: Delivery, *, charge_cents: int | None) -> int | None:
    """Raises ResolutionRefused."""
    assert row.assignment_id is not None  # noqa: S101 - a direct post is of a sale
    assert row.ended_at is not None  # noqa: S101 - it was just ended
    try:
        return settle(
            row.assignment_id,
            lead_id=row.lead_id,
            state=DeliveryState(row.state),
            reason=row.end_reason,
            at=row.ended_at,
            charge_cents=charge_cents,
        )
    except CaptureRefused as error:
        raise ResolutionRefused(str(error)) from error


def resend(
    delivery_id: int, *, at: datetime, actor: str, reason: str, newest_id: int | None = None
) -> Delivery:
    """Send a message again. Returns the delivery that is due now. Raises ResolutionRefused.

    `newest_id`: that of find_newest when the person decided. If it was sent again since then, it is refused.

    Without an end, or with an unknown one, it is the same message with the same id, so that the buyer can drop a
    repetition. With an end, it is a new message: the buyer has dropped, lost or refused the old one.
    """
    with transaction.atomic():
        row = _lock(delivery_id)
        _refuse_resending(row)
        _refuse_twice(row, newest_id=newest_id)
        sent = _send_same(row, at=at) if row.ended_at is None else _send_new(row, at=at)
        _audit(row, action="sent again", actor=actor, reason=reason)
    return sent


def settle_late(delivery_id: int, *, at: datetime, actor: str, reason: str) -> None:
    """Record that a person settled an acceptance after the release with the buyer. No money changes.

    `manage.py verify` reports it until then. Raises ResolutionRefused.
    """
    with transaction.atomic():
        row = _lock(delivery_id)
        if not is_unsettled(row):
            raise ResolutionRefused(
                "there is nothing to settle: no acceptance came too late, or it is settled"
            )
        row.settled_at = at
        row.save(update_fields=["settled_at"])
        _audit(row, action="settled", actor=actor, reason=reason)


def is_unsettled(row: Delivery) -> bool:
    return row.end_reason == ACCEPTED_LATE and row.settled_at is None


def _refuse_undecidable(row: Delivery) -> None:
    """Raises ResolutionRefused."""
    if row.state == DeliveryState.POSTING:
        raise ResolutionRefused("it is being sent right now; wait for the answer")
    if row.state not in DECIDABLE:
        message = f"it no longer waits for a decision: it is {DeliveryState(row.state).label}"
        raise ResolutionRefused(message)


def _refuse_resending(row: Delivery) -> None:
    """Raises ResolutionRefused. Needs the locks: a sale that is being returned is read after its return."""
    if row.state == DeliveryState.POSTING:
        raise ResolutionRefused("it is being sent right now")
    sale = None if row.event_id is not None else row.assignment
    if sale is not None and sale.state not in LIVE:
        raise ResolutionRefused(WHY_NOT_AGAIN[AssignmentState(sale.state)])
    if row.is_direct_post and row.state not in DECIDABLE:
        raise ResolutionRefused("it has ended, and its answer decided about the sale")
    _refuse_dead(row.endpoint)


def find_newest(row: Delivery) -> Delivery:
    """The last message that brings the same to the same endpoint: itself, or one that was sent again."""
    return Delivery.objects.filter(**{name: getattr(row, name) for name in SAME}).latest("pk")


def _refuse_twice(row: Delivery, *, newest_id: int | None) -> None:
    """Of two clicks, one sends a new message. Raises ResolutionRefused. Needs the locks."""
    newest = find_newest(row)
    if newest_id not in (None, newest.pk):
        raise ResolutionRefused("it was sent again after you opened this page; look at the newest message")
    if newest.pk != row.pk and newest.state in (DeliveryState.PENDING, DeliveryState.POSTING):
        raise ResolutionRefused("it was sent again already, and that message has no end yet")


def _refuse_dead(endpoint: Endpoint) -> None:
    """Raises ResolutionRefused."""
    if endpoint.disabled_at is not None:
        message = f"the endpoint {endpoint.name} is disabled; press Enable on its page first"
        raise ResolutionRefused(message)
    if not endpoint.active:
        message = f"the endpoint {endpoint.name} is off; check Active on its page first"
        raise ResolutionRefused(message)


def _send_same(row: Delivery, *, at: datetime) -> Delivery:
    row.state, row.next_try_at, row.end_reason = DeliveryState.PENDING, at, ""
    row.save(update_fields=["state", "next_try_at", "end_reason"])
    return row


def _send_new(row: Delivery, *, at: datetime) -> Delivery:
    return Delivery.objects.create(
        endpoint_id=row.endpoint_id,
        assignment_id=row.assignment_id,
        lead_id=row.lead_id,
        event_id=row.event_id,
        is_test=row.is_test,
        next_try_at=at,
    )


def _lock(delivery_id: int) -> Delivery:
    """Its endpoint is read after the locks, and so is its sale. Its secrets are not: the key may be another one.

    Raises ResolutionRefused.
    """
    try:
        row = Delivery.objects.get(pk=delivery_id)
        if row.assignment_id is not None:
            lock_for_settling(row.lead_id)
        row = lock_delivery(delivery_id)
    except Delivery.DoesNotExist:
        raise ResolutionRefused(REMOVED) from None
    endpoints = Endpoint.objects.select_related("buyer").defer("headers", "template")
    row.endpoint = endpoints.get(pk=row.endpoint_id)
    return row


def _audit(row: Delivery, *, action: str, actor: str, reason: str) -> None:
    audit.record(
        actor=actor,
        action=action,
        target=row,
        workspace_id=row.endpoint.workspace_id,
        reason=reason,
    )

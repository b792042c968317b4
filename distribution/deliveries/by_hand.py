"""What a person decides about a delivery: accepted or rejected when its end is unknown, and sending it again.

Every decision has a reason and an audit entry in its transaction.
"""

from datetime import datetime
from typing import Final

from django.db import transaction

from distribution import metrics
from distribution.deliveries.locks import lock_delivery, lock_for_settling
from distribution.deliveries.settling import settle
from distribution.models import Delivery, DeliveryState
from routing.dispatch.enqueue import enqueue_leads_after_commit
from tracing import audit

DECISIONS: Final = (DeliveryState.ACCEPTED, DeliveryState.REJECTED)
ENDED_WORDS: Final = {DeliveryState.ACCEPTED: "accepted by hand", DeliveryState.REJECTED: "rejected by hand"}


class ResolutionRefused(ValueError):
    """Nothing was changed. The message says why."""


def resolve(delivery_id: int, *, state: DeliveryState, at: datetime, actor: str, reason: str) -> None:
    """End a delivery whose end is unknown. A lead that is due again after a rejection is enqueued.

    Locks the lead of a direct post, then the delivery: the sale and its money change in the same transaction.
    Raises ResolutionRefused.
    """
    if state not in DECISIONS:
        raise ResolutionRefused("decide accepted or rejected")
    with transaction.atomic():
        row = _lock(delivery_id)
        if row.state != DeliveryState.UNKNOWN:
            message = f"it no longer waits for a decision: it is {DeliveryState(row.state).label}"
            raise ResolutionRefused(message)
        row.state, row.ended_at, row.ended_by, row.end_reason = state, at, actor[:150], reason[:200]
        row.save(update_fields=["state", "ended_at", "ended_by", "end_reason"])
        _audit(row, action=ENDED_WORDS[state], actor=actor, reason=reason)
        if row.is_direct_post and row.assignment_id is not None:
            due_lead_id = settle(row.assignment_id, state=state, reason=reason, at=at)
            if due_lead_id is not None:
                enqueue_leads_after_commit(due_lead_id)
    metrics.DELIVERIES_ENDED.labels(state=state.value).inc()


def resend(delivery_id: int, *, at: datetime, actor: str, reason: str) -> Delivery:
    """Send a message again. Returns the delivery that is due now. Raises ResolutionRefused.

    Without an end, or with an unknown one, it is the same message with the same id, so that the buyer can drop a
    repetition. With an end, it is a new message: the buyer has dropped, lost or refused the old one.
    """
    with transaction.atomic():
        row = _lock(delivery_id)
        if row.state == DeliveryState.POSTING:
            raise ResolutionRefused("it is being sent right now")
        if row.is_direct_post and row.state not in (DeliveryState.PENDING, DeliveryState.UNKNOWN):
            raise ResolutionRefused("it has ended, and its answer decided about the sale")
        sent = _send_same(row, at=at) if row.ended_at is None else _send_new(row, at=at)
        _audit(row, action="sent again", actor=actor, reason=reason)
    return sent


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
    row = Delivery.objects.get(pk=delivery_id)
    if row.is_direct_post:
        lock_for_settling(row.lead_id)
    return lock_delivery(delivery_id)


def _audit(row: Delivery, *, action: str, actor: str, reason: str) -> None:
    audit.record(
        actor=actor,
        action=action,
        target=row,
        workspace_id=row.endpoint.workspace_id,
        reason=reason,
    )

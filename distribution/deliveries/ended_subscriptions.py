"""Ends a subscription for its owner: it is turned off, and what waits for it is never sent."""

from datetime import datetime
from typing import Final

from django.db import transaction

from distribution import metrics
from distribution.deliveries.locks import lock_deliveries, lock_endpoint
from distribution.models import Delivery, DeliveryState, Subscription
from tracing import audit

SUBSCRIPTION_ENDED: Final = "subscription_ended"


def turn_off(subscription: Subscription, *, actor: str, action: str, reason: str, at: datetime) -> None:
    """Of a subscription that is off already, only the messages that wait change. Locks them, then the endpoint."""
    with transaction.atomic():
        canceled = _cancel_waiting(subscription.pk, at=at)
        row = lock_endpoint(subscription.pk)
        if row.active:
            row.active = False
            row.save(update_fields=["active"])
            audit.record(
                actor=actor, action=action, target=subscription, workspace_id=row.workspace_id, reason=reason
            )
    metrics.DELIVERIES_ENDED.labels(state=DeliveryState.CANCELLED.value).inc(canceled)


def _cancel_waiting(endpoint_id: int, *, at: datetime) -> int:
    """A message that is being sent is marked: it ends with its answer, and is not tried again."""
    mine = Delivery.objects.filter(endpoint_id=endpoint_id)
    waiting, sending = mine.filter(state=DeliveryState.PENDING), mine.filter(state=DeliveryState.POSTING)
    lock_deliveries([*waiting.values_list("pk", flat=True), *sending.values_list("pk", flat=True)])
    sending.update(end_reason=SUBSCRIPTION_ENDED)
    return waiting.update(
        state=DeliveryState.CANCELLED, next_try_at=None, ended_at=at, end_reason=SUBSCRIPTION_ENDED
    )

"""Ends direct posts to endpoints that are off. Nothing is sent to them, so no answer would end their holds.

If no try may have reached the buyer, the sale is rejected and the next buyer is asked. Otherwise a person decides.
"""

from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Q, QuerySet

from distribution import metrics
from distribution.deliveries.locks import lock_delivery, lock_for_settling
from distribution.deliveries.settling import settle
from distribution.deliveries.standing import may_have_arrived
from distribution.models import Delivery, DeliveryState

ENDPOINT_OFF: Final = "endpoint_off"
IS_OFF: Final = Q(endpoint__active=False) | Q(endpoint__disabled_at__isnull=False)


def find_stranded() -> QuerySet[Delivery]:
    return Delivery.objects.filter(IS_OFF, state=DeliveryState.PENDING, is_direct_post=True)


def end_stranded(delivery_id: int, *, at: datetime) -> bool:
    """Return False if it is no longer stranded. Its lead is enqueued if it is due.

    Locks the lead, then the delivery. Every other writer of the delivery takes them too.
    """
    with transaction.atomic():
        lock_for_settling(Delivery.objects.get(pk=delivery_id).lead_id)
        row = lock_delivery(delivery_id)
        if not find_stranded().filter(pk=delivery_id).exists():
            return False
        _end(row, is_possible=may_have_arrived(delivery_id), at=at)
    metrics.DELIVERIES_ENDED.labels(state=row.state).inc()
    return True


def _end(row: Delivery, *, is_possible: bool, at: datetime) -> None:
    """`is_possible`: that the buyer has the lead."""
    row.state = DeliveryState.UNKNOWN if is_possible else DeliveryState.REJECTED
    row.next_try_at, row.end_reason = None, ENDPOINT_OFF
    row.ended_at = None if is_possible else at
    row.save(update_fields=["state", "next_try_at", "end_reason", "ended_at"])
    if not is_possible:
        assert row.assignment_id is not None  # noqa: S101 - a constraint says so
        settle(
            row.assignment_id, lead_id=row.lead_id, state=DeliveryState.REJECTED, reason=ENDPOINT_OFF, at=at
        )

"""Ends direct posts whose holds have timed out before anything was sent.

The money of the buyer is free again, and the next buyer is asked. A post that is being sent, or that may have reached
the buyer, keeps its hold: its answer, its lease or a person ends it.
"""

from datetime import datetime
from typing import Final

from django.db import transaction

from distribution import metrics
from distribution.deliveries.locks import lock_delivery, lock_for_settling
from distribution.deliveries.settling import settle
from distribution.deliveries.standing import may_have_arrived
from distribution.models import Delivery, DeliveryState

HOLD_EXPIRED: Final = "hold_expired"


def end_expired_post(assignment_id: int, *, at: datetime) -> bool:
    """Return False if the post is no longer waiting, or may have reached the buyer. Its lead is enqueued if it is due.

    Locks the lead, then the delivery. Every other writer of the delivery takes them too.
    """
    found = Delivery.objects.filter(assignment_id=assignment_id, is_direct_post=True).latest("pk")
    with transaction.atomic():
        lock_for_settling(found.lead_id)
        row = lock_delivery(found.pk)
        if row.state != DeliveryState.PENDING or may_have_arrived(row.pk):
            return False
        row.state, row.next_try_at, row.end_reason, row.ended_at = (
            DeliveryState.REJECTED,
            None,
            HOLD_EXPIRED,
            at,
        )
        row.save(update_fields=["state", "next_try_at", "end_reason", "ended_at"])
        settle(assignment_id, lead_id=row.lead_id, state=DeliveryState.REJECTED, reason=HOLD_EXPIRED, at=at)
    metrics.DELIVERIES_ENDED.labels(state=DeliveryState.REJECTED.value).inc()
    return True

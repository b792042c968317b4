"""Ends the leases of deliverers that were lost. Deliverers and the reconciler `deliveries` call it."""

import logging
from datetime import datetime
from typing import Final

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import QuerySet

from distribution import metrics
from distribution.deliveries.claim import Claimed
from distribution.deliveries.ends import Next, decide_next
from distribution.deliveries.locks import lock_expired
from distribution.deliveries.payloads.ends import Judgment, Outcome
from distribution.deliveries.standing import Standing, lock_standings
from distribution.models import ENDED, Delivery, DeliveryState, DeliveryTry, Method, TryOutcome

logger = logging.getLogger(__name__)

WORKER_LOST: Final = "worker_lost"
# The buyer may have the message: it is tried again with the same message id, or a person decides.
LOST: Final = Judgment(outcome=Outcome.UNKNOWN, error=WORKER_LOST)


def find_expired(*, at: datetime) -> QuerySet[Delivery]:
    return Delivery.objects.filter(state=DeliveryState.POSTING, leased_until__lt=at)


def end_expired(*, at: datetime, limit: int) -> int:
    """End at most `limit` leases that are over. One that cannot be ended stops none of the others. Returns how many.

    Raises OperationalError and InterfaceError.
    """
    expired = find_expired(at=at)
    try:
        return _end_together(expired, at=at, limit=limit)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # noqa: BLE001 - one of them is to blame
        logger.warning("deliveries.leases_not_ended", extra={"cause": type(error).__name__})
    ids = list(expired.order_by("pk").values_list("pk", flat=True)[:limit])
    return sum(_end_alone(expired.filter(pk=delivery_id), at=at) for delivery_id in ids)


def _end_alone(expired: QuerySet[Delivery], *, at: datetime) -> int:
    try:
        return _end_together(expired, at=at, limit=1)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # noqa: BLE001 - the one place that contains it
        found = expired.values_list("message_id", flat=True).first()
        logger.error(
            "deliveries.lease_not_ended", extra={"cause": type(error).__name__, "delivery": str(found)}
        )
        return 0


def _end_together(expired: QuerySet[Delivery], *, at: datetime, limit: int) -> int:
    with transaction.atomic():
        rows = lock_expired(expired, limit=limit)
        claims = {row.pk: _describe(row) for row in rows}
        standings = lock_standings(list(claims.values()))
        for row in rows:
            _end(row, claims[row.pk], standings[row.pk], at=at)
    for row in rows:
        metrics.DELIVERY_TRIES.labels(method=Method(row.endpoint.method).value, outcome=WORKER_LOST).inc()
        logger.warning("deliveries.worker_lost", extra={"delivery": str(row.message_id), "number": row.tries})
    return len(rows)


def _end(row: Delivery, claimed: Claimed, standing: Standing, *, at: datetime) -> None:
    """A delivery whose try has a result already was changed by hand: a person decides about it."""
    by_person = Next(DeliveryState.UNKNOWN, reason=WORKER_LOST)
    following = decide_next(claimed, LOST, standing, at=at) or by_person
    tried = DeliveryTry.objects.filter(delivery=row, number=row.tries, finished_at__isnull=True)
    tried.update(finished_at=at, outcome=TryOutcome.WORKER_LOST, error=WORKER_LOST)
    row.state, row.next_try_at, row.leased_until = following.state, following.due_at, None
    row.end_reason, row.ended_at = following.reason, at if following.state in ENDED else None
    row.save(update_fields=["state", "next_try_at", "leased_until", "end_reason", "ended_at"])


def _describe(row: Delivery) -> Claimed:
    return Claimed(
        id=row.pk,
        number=row.tries,
        message_id=row.message_id,
        endpoint_id=row.endpoint_id,
        lead_id=row.lead_id,
        assignment_id=row.assignment_id,
        is_event=row.event_id is not None,
        is_direct_post=row.is_direct_post,
        is_test=row.is_test,
        created_at=row.created_at,
        csv_first_tried_at=row.first_try_at if row.endpoint.method == Method.CSV else None,
    )

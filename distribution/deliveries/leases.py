"""Ends the leases of deliverers that were lost. Deliverers and the reconciler `deliveries` call it."""

import logging
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import QuerySet

from distribution import metrics
from distribution.deliveries.claim import Claimed
from distribution.deliveries.ends import decide_next
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
    """End at most `limit` leases that are over. Returns how many."""
    with transaction.atomic():
        rows = lock_expired(find_expired(at=at), limit=limit)
        claims = {row.pk: _describe(row) for row in rows}
        standings = lock_standings(list(claims.values()))
        for row in rows:
            _end(row, claims[row.pk], standings[row.pk], at=at)
    for row in rows:
        metrics.DELIVERY_TRIES.labels(method=Method(row.endpoint.method).value, outcome=WORKER_LOST).inc()
        logger.warning("deliveries.worker_lost", extra={"delivery": str(row.message_id), "number": row.tries})
    return len(rows)


def _end(row: Delivery, claimed: Claimed, standing: Standing, *, at: datetime) -> None:
    following = decide_next(claimed, LOST, standing, at=at)
    assert following is not None  # noqa: S101 - the row is locked, and its try has no result
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

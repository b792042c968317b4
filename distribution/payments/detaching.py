"""Takes removed and replaced cards from the buyer's customer at the provider, so that nothing can be charged to them.

`removed_at` was committed first. A payment that is pending keeps its card until it has ended.
"""

import logging
from datetime import timedelta
from typing import Final

from django.db import connection
from django.utils import timezone

from distribution.models import Card
from distribution.payments.provider import (
    RESOURCE_MISSING,
    AnswerUnknown,
    RequestRefused,
    detach_card,
    retrieve_card,
)

logger = logging.getLogger(__name__)

LEASE_SECONDS: Final = 120
FIRST_WAIT: Final = timedelta(seconds=15)
LONGEST_WAIT: Final = timedelta(minutes=30)

CLAIM: Final = f"""
UPDATE distribution_card SET detach_try_at = clock_timestamp() + interval '{LEASE_SECONDS} seconds'
WHERE id = (
    SELECT c.id FROM distribution_card c
    WHERE c.removed_at IS NOT NULL AND c.detached_at IS NULL
        AND COALESCE(c.detach_try_at, c.removed_at) <= clock_timestamp()
        AND NOT EXISTS (
            SELECT 1 FROM distribution_cardpayment p
            WHERE p.card_id = c.id AND p.state IN ('open', 'processing', 'needs_action')
        )
    ORDER BY COALESCE(c.detach_try_at, c.removed_at) LIMIT 1
    FOR NO KEY UPDATE SKIP LOCKED
)
RETURNING id
"""  # noqa: S608 - only a constant is put in


def detach_next() -> bool:
    """Work on the card that is due for the longest time. Returns False if none is due, or without an answer.

    No transaction may be open: requests are sent.
    """
    with connection.cursor() as cursor:
        cursor.execute(CLAIM)
        row = cursor.fetchone()
    if row is None:
        return False
    return _detach(Card.objects.get(pk=row[0]))


def _detach(card: Card) -> bool:
    """Needs the lease. Returns False without an answer."""
    try:
        cause = _ask(card.provider_id)
    except AnswerUnknown as unknown:
        _wait(card, cause=unknown.cause)
        return False
    if cause:
        _wait(card, cause=cause)
    else:
        Card.objects.filter(pk=card.pk).update(detached_at=timezone.now(), detach_try_at=None)
    return True


def _ask(provider_id: str) -> str:
    """Why it is still there, or an empty text. A card that was detached before is refused. Raises AnswerUnknown."""
    try:
        detach_card(provider_id)
    except RequestRefused as refusal:
        return "" if _is_free(provider_id) else refusal.code
    return ""


def _is_free(provider_id: str) -> bool:
    try:
        return retrieve_card(provider_id).get("customer") is None
    except RequestRefused as refusal:
        return refusal.code == RESOURCE_MISSING


def _wait(card: Card, *, cause: str) -> None:
    """For as long as the card has been removed, within the bounds."""
    logger.warning("payments.card_not_detached", extra={"card": str(card.public_id), "cause": cause})
    assert card.removed_at is not None  # noqa: S101 - only removed cards are claimed
    at = timezone.now()
    wait = min(max(at - card.removed_at, FIRST_WAIT), LONGEST_WAIT)
    Card.objects.filter(pk=card.pk).update(detach_try_at=at + wait)

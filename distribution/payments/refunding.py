"""Asks the provider for the refunds that asking.py committed, and those of payments that it took twice."""

import logging
from datetime import timedelta
from typing import Any, Final

from django.db import connection, transaction
from django.utils import timezone

from distribution.models import CardRefund, RefundState
from distribution.payments.locks import lock_payment
from distribution.payments.provider import (
    AnswerUnknown,
    RequestRefused,
    count_refunded,
    create_refund,
    find_refund,
)
from distribution.payments.refunds import apply_refunded

logger = logging.getLogger(__name__)

LEASE_SECONDS: Final = 120
FIRST_WAIT: Final = timedelta(seconds=15)
LONGEST_WAIT: Final = timedelta(minutes=30)

CLAIM: Final = f"""
UPDATE distribution_cardrefund SET next_try_at = clock_timestamp() + interval '{LEASE_SECONDS} seconds'
WHERE id = (
    SELECT id FROM distribution_cardrefund
    WHERE state = 'open' AND next_try_at <= clock_timestamp()
    ORDER BY next_try_at LIMIT 1
    FOR NO KEY UPDATE SKIP LOCKED
)
RETURNING id
"""  # noqa: S608 - only a constant is put in


def refund_next() -> bool:
    """Work on the refund that is due for the longest time. Returns False if none is due."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM)
        row = cursor.fetchone()
    if row is None:
        return False
    _advance(CardRefund.objects.select_related("payment").get(pk=row[0]))
    return True


def _advance(refund: CardRefund) -> None:
    """Only a refused refund has failed. Lists that are refused leave open whether it was made."""
    intent_id = refund.payment.provider_id
    assert intent_id is not None  # noqa: S101 - only paid payments are refunded
    try:
        made = find_refund(refund.public_id, intent_id=intent_id) if refund.tries else None
        made = made or _send(refund, intent_id=intent_id)
        if made is not None:
            _settle(refund, made, refunded_cents=count_refunded(intent_id))
    except (AnswerUnknown, RequestRefused) as unknown:
        wait = min(FIRST_WAIT * 2 ** min(refund.tries, 10), LONGEST_WAIT)
        CardRefund.objects.filter(pk=refund.pk, state=RefundState.OPEN).update(
            next_try_at=timezone.now() + wait
        )
        logger.warning(
            "payments.answer_unknown", extra={"refund": str(refund.public_id), "cause": str(unknown)}
        )


def _send(refund: CardRefund, *, intent_id: str) -> Any:
    """None: it was refused, and has ended. Raises AnswerUnknown."""
    CardRefund.objects.filter(pk=refund.pk).update(tries=refund.tries + 1, sent_at=timezone.now())
    try:
        return create_refund(refund.public_id, intent_id=intent_id, amount_cents=refund.amount_cents)
    except RequestRefused as refusal:
        _end(refund, RefundState.FAILED, code=refusal.code)
        return None


def _settle(refund: CardRefund, made: Any, *, refunded_cents: int) -> None:
    if made["status"] in ("failed", "canceled"):
        _end(refund, RefundState.FAILED, code=str(made.get("failure_reason") or made["status"]))
        return
    with transaction.atomic():
        payment = lock_payment(refund.payment_id)
        apply_refunded(payment, refunded_cents=refunded_cents)
        _end(refund, RefundState.DONE, provider_id=str(made["id"]))


def _end(refund: CardRefund, state: RefundState, *, code: str = "", provider_id: str = "") -> None:
    CardRefund.objects.filter(pk=refund.pk, state=RefundState.OPEN).update(
        state=state,
        failure_code=code[:100],
        provider_id=provider_id,
        ended_at=timezone.now(),
        next_try_at=None,
    )

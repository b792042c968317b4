"""Refunds that fail after they were announced: the bank sends the money back, so the credits come back.

A webhook's total does not say which refunds it counts. Once a refund of a payment has failed, the provider's list of
its refunds decides, and each later message about them only makes that list due. So any order gives one result.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from distribution.models import CardPayment, CardRefund, PaymentState, RefundState
from distribution.money.wallet import top_up
from distribution.payments.intents import RefundSaid, parse_uuid
from distribution.payments.locks import lock_payment
from distribution.payments.provider import AnswerUnknown, RequestRefused, list_refunds
from distribution.payments.refunds import PROVIDER, take_refunded

logger = logging.getLogger(__name__)

LEASE_SECONDS: Final = 120
ASK_AGAIN_AFTER: Final = timedelta(minutes=5)
ENDED_BADLY: Final = ("failed", "canceled")

CLAIM: Final = f"""
UPDATE distribution_cardpayment SET refund_check_at = clock_timestamp() + interval '{LEASE_SECONDS} seconds'
WHERE id = (
    SELECT id FROM distribution_cardpayment
    WHERE refund_check_at <= clock_timestamp()
    ORDER BY refund_check_at LIMIT 1
    FOR NO KEY UPDATE SKIP LOCKED
)
RETURNING id, refund_check_at
"""  # noqa: S608 - only a constant is put in


@dataclass(frozen=True, slots=True)
class Listed:
    """What the provider lists of one payment. `paid_back_cents`: of the refunds that have not failed."""

    paid_back_cents: int
    failed_cents: int
    failures: Mapping[UUID, str]


def note_failed(payment: CardPayment, *, at: datetime) -> None:
    """From now on the provider's list decides. Needs the wallet's lock."""
    payment.has_failed_refund, payment.refund_check_at = True, at
    payment.save(update_fields=["has_failed_refund", "refund_check_at"])


def check_next() -> bool:
    """Compare the payment that is due for the longest time. Returns False if none is due."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM)
        row = cursor.fetchone()
    if row is None:
        return False
    payment_id, lease = row
    try:
        is_done = check_refunds(payment_id)
        due_at = None if is_done else timezone.now()
    except (AnswerUnknown, RequestRefused) as error:
        logger.warning("payments.answer_unknown", extra={"cause": str(error)})
        due_at = timezone.now() + ASK_AGAIN_AFTER
    # Not if another message came in the meantime.
    CardPayment.objects.filter(pk=payment_id, refund_check_at=lease).update(refund_check_at=due_at)
    return True


def check_refunds(payment_id: int) -> bool:
    """Bring what was taken to what the provider lists. No transaction may be open: a request is sent.

    Returns False if a webhook changed it while the list was read. Raises AnswerUnknown, RequestRefused.
    """
    before = CardPayment.objects.get(pk=payment_id)
    if before.provider_id is None:
        return True
    listed = read_listed(list_refunds(before.provider_id))
    with transaction.atomic():
        payment = lock_payment(payment_id)
        if payment.refunded_cents != before.refunded_cents:
            return False
        _apply(payment, listed)
    return True


def read_listed(refunds: Sequence[Mapping[str, Any]]) -> Listed:
    said = [RefundSaid.of(each) for each in refunds]
    failed = [each for each in said if each.status in ENDED_BADLY]
    failures = ((parse_uuid(each.refund_id), each.failure_code) for each in failed)
    return Listed(
        paid_back_cents=sum(each.amount_cents for each in said if each.status not in ENDED_BADLY),
        failed_cents=sum(each.amount_cents for each in failed),
        failures={public_id: code for public_id, code in failures if public_id is not None},
    )


def _apply(payment: CardPayment, listed: Listed) -> None:
    """No more comes back than the list has of failed refunds."""
    _end_failed(payment, listed)
    back_cents = min(
        payment.refunded_cents - listed.paid_back_cents, listed.failed_cents - payment.refund_failed_cents
    )
    if back_cents > 0:
        _give_back(payment, back_cents)
    else:
        take_refunded(payment, refunded_cents=listed.paid_back_cents)


def _give_back(payment: CardPayment, back_cents: int) -> None:
    """A surplus gave no credits, so none come back: it must be paid back again."""
    payment.has_failed_refund = True
    payment.refunded_cents -= back_cents
    payment.refund_failed_cents += back_cents
    payment.save(update_fields=["has_failed_refund", "refunded_cents", "refund_failed_cents"])
    if payment.state == PaymentState.SUCCEEDED:
        top_up(
            payment.wallet.buyer_id,
            amount_cents=back_cents,
            key=f"refund-failed:{payment.provider_id}:{payment.refund_failed_cents}",
            actor=PROVIDER,
            reason=f"A refund of card payment {payment.public_id} failed",
            clearing="card",
        )
    logger.error("payments.refund_failed", extra={"payment": str(payment.public_id)})


def _end_failed(payment: CardPayment, listed: Listed) -> None:
    for public_id, code in listed.failures.items():
        CardRefund.objects.filter(payment=payment, public_id=public_id, state=RefundState.DONE).update(
            state=RefundState.FAILED, failure_code=code[:100]
        )

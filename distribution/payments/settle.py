"""Applies what the provider says about a payment. Repeated, late or out of order it changes nothing more.

1. A success credits the wallet, once for each payment intent, whatever the state was before.
2. A success of another intent of a payment that is credited already is a surplus: no credits, and it is paid back.
3. Anything else ends or moves a payment only while it is pending.
"""

import logging
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from distribution import metrics
from distribution.models import (
    PENDING,
    CardPayment,
    CardRefund,
    PauseReason,
    PaymentOrigin,
    PaymentState,
)
from distribution.money.wallet import top_up
from distribution.payments.disputes import apply_waiting
from distribution.payments.intents import CURRENCY, Intent
from distribution.payments.locks import lock_intent, lock_payment
from distribution.payments.pausing import note_decline, note_success, pause
from routing.dispatch.enqueue import after_commit

logger = logging.getLogger(__name__)

PROVIDER: Final = "card provider"
# The cardholder has this long to confirm a payment.
CONFIRM_WITHIN: Final = timedelta(hours=24)
ASK_AGAIN_AFTER: Final = timedelta(minutes=10)


def settle(payment_id: int, intent: Intent, *, at: datetime) -> PaymentState:
    """Returns the state of the payment afterwards. Locks its wallet."""
    with transaction.atomic():
        lock_intent(intent.provider_id)
        payment = lock_payment(payment_id)
        if intent.is_paid:
            _apply_success(payment, intent, at=at)
        elif payment.state in PENDING and payment.provider_id in (None, intent.provider_id):
            _apply_pending(payment, intent, at=at)
        return PaymentState(payment.state)


def end_refused(payment_id: int, *, code: str, reason: PauseReason, at: datetime) -> None:
    """The provider has no payment for it and takes none. Harmless if it ended otherwise."""
    with transaction.atomic():
        payment = lock_payment(payment_id)
        if payment.state in PENDING:
            _end(payment, PaymentState.FAILED, at=at, code=code)
            if payment.origin == PaymentOrigin.RECHARGE:
                pause(payment.wallet_id, reason=reason, at=at)


def _apply_success(payment: CardPayment, intent: Intent, *, at: datetime) -> None:
    if payment.state == PaymentState.SUCCEEDED:
        if payment.provider_id != intent.provider_id:
            _note_surplus(payment, intent, at=at)
        return
    if payment.state == PaymentState.SURPLUS:
        return
    if intent.amount_cents != payment.amount_cents or intent.currency != CURRENCY:
        # A person must look: reconcile payments reports it until then.
        logger.error("payments.amount_differs", extra={"payment": str(payment.public_id)})
        return
    _credit(payment, intent, at=at)
    note_success(payment.wallet_id)
    apply_waiting(payment, at=at)


def _credit(payment: CardPayment, intent: Intent, *, at: datetime) -> None:
    payment.entry = top_up(
        payment.wallet.buyer_id,
        amount_cents=payment.amount_cents,
        key=f"card:{intent.provider_id}",
        actor=payment.actor,
        reason=f"Card payment {payment.public_id}",
        clearing="card",
    )
    payment.provider_id = intent.provider_id
    _end(payment, PaymentState.SUCCEEDED, at=at)


def _note_surplus(payment: CardPayment, intent: Intent, *, at: datetime) -> None:
    """Once for each intent. The refund is due at once."""
    surplus, is_new = CardPayment.objects.get_or_create(
        provider_id=intent.provider_id,
        defaults={
            "workspace_id": payment.workspace_id,
            "wallet_id": payment.wallet_id,
            "card_id": payment.card_id,
            "origin": PaymentOrigin.SURPLUS,
            "actor": PROVIDER,
            "amount_cents": intent.amount_cents,
            "state": PaymentState.SURPLUS,
            "surplus_of": payment,
            "ended_at": at,
        },
    )
    if not is_new:
        return
    CardRefund.objects.create(
        workspace_id=payment.workspace_id,
        payment=surplus,
        amount_cents=intent.amount_cents,
        actor=PROVIDER,
        reason="The provider took the payment twice",
        next_try_at=at,
    )
    logger.error("payments.surplus", extra={"payment": str(payment.public_id)})
    _count(surplus)


def _apply_pending(payment: CardPayment, intent: Intent, *, at: datetime) -> None:
    payment.provider_id = intent.provider_id
    if intent.must_be_confirmed:
        _wait_for_cardholder(payment, intent, at=at)
    elif intent.status == "canceled":
        _end(payment, PaymentState.CANCELED, at=at, code=intent.failure_code)
    elif intent.status == "requires_payment_method":
        _end(payment, PaymentState.FAILED, at=at, code=intent.failure_code or "declined")
        if payment.origin == PaymentOrigin.RECHARGE:
            note_decline(payment.wallet_id, code=payment.failure_code, at=at)
    else:
        payment.state, payment.next_try_at = PaymentState.PROCESSING, at + ASK_AGAIN_AFTER
        payment.save(update_fields=["provider_id", "state", "next_try_at"])


def _wait_for_cardholder(payment: CardPayment, intent: Intent, *, at: datetime) -> None:
    if payment.state == PaymentState.NEEDS_ACTION:
        return
    payment.state, payment.next_try_at = PaymentState.NEEDS_ACTION, at + CONFIRM_WITHIN
    payment.failure_code = intent.failure_code or "authentication_required"
    payment.save(update_fields=["provider_id", "state", "next_try_at", "failure_code"])
    _count(payment)
    if payment.origin == PaymentOrigin.RECHARGE:
        pause(payment.wallet_id, reason=PauseReason.NEEDS_ACTION, at=at)


def _end(payment: CardPayment, state: PaymentState, *, at: datetime, code: str = "") -> None:
    payment.state, payment.failure_code = state, code
    payment.ended_at, payment.next_try_at = at, None
    payment.save(
        update_fields=["provider_id", "state", "failure_code", "ended_at", "next_try_at", "entry"],
    )
    _count(payment)


def _count(payment: CardPayment) -> None:
    labels = {"origin": str(payment.origin), "outcome": str(payment.state)}
    after_commit(lambda: metrics.CARD_PAYMENTS.labels(**labels).inc())

"""A disputed payment: its amount is taken once, and given back once if the dispute is won.

Webhooks about a dispute come in any order, and before that of its payment. An inquiry (`warning_…`) takes no money.
"""

import logging
from datetime import datetime
from functools import partial
from typing import Final

from django.db.models import Sum

from distribution.models import CardDispute, CardPayment, PauseReason, PaymentState
from distribution.money.card_movements import charge_back, win_back
from distribution.payments.backflow import allow_below
from distribution.payments.intents import CURRENCY, Dispute
from distribution.payments.locks import lock_intent, lock_payment
from distribution.payments.pausing import pause
from routing.dispatch.enqueue import after_commit

logger = logging.getLogger(__name__)

PROVIDER: Final = "card provider"
WON: Final = ("won", "prevented")
ENDED: Final = (*WON, "lost", "warning_closed")


def apply_dispute(dispute: Dispute, *, at: datetime) -> bool:
    """Needs an open transaction. Returns False while its payment is unknown: it is applied with the payment.

    One in another currency, or without an amount, is not about a payment of ours. The caller has refused it.
    """
    lock_intent(dispute.intent_id)
    payment_id = (
        CardPayment.objects.filter(provider_id=dispute.intent_id).values_list("pk", flat=True).first()
    )
    payment = None if payment_id is None else lock_payment(payment_id)
    stored = _store(dispute)
    if payment is None:
        return False
    _apply(stored, payment, at=at)
    return True


def apply_waiting(payment: CardPayment, *, at: datetime) -> None:
    """Disputes that came before their payment was credited. Needs the wallet's lock."""
    for stored in CardDispute.objects.filter(payment_provider_id=payment.provider_id).order_by("pk"):
        _apply(stored, payment, at=at)


def _store(dispute: Dispute) -> CardDispute:
    """An end is final: a late message about an earlier status changes nothing."""
    stored, _ = CardDispute.objects.get_or_create(
        provider_id=dispute.provider_id,
        defaults={
            "payment_provider_id": dispute.intent_id,
            "status": dispute.status,
            "reason": dispute.reason,
            "amount_cents": dispute.amount_cents,
        },
    )
    if stored.status not in ENDED and _rank(dispute.status) >= _rank(stored.status):
        stored.status = dispute.status
        stored.save(update_fields=["status"])
    return stored


def _rank(status: str) -> int:
    """An inquiry may become a dispute, and never the other way."""
    if status in ENDED:
        return 2
    return 0 if status.startswith("warning_") else 1


def _apply(stored: CardDispute, payment: CardPayment, *, at: datetime) -> None:
    if stored.payment_id is None:
        stored.payment = payment
        stored.save(update_fields=["payment"])
    if payment.state != PaymentState.SUCCEEDED:
        return
    if stored.status in WON:
        _give_back(stored, payment, at=at)
    elif stored.taken_at is None and not stored.status.startswith("warning_"):
        _take(stored, payment, at=at)


def is_readable(dispute: Dispute) -> bool:
    """Payments are in one currency. A dispute in another needs a person."""
    return dispute.currency == CURRENCY and dispute.amount_cents > 0


def _bound(stored: CardDispute, payment: CardPayment) -> int:
    """All disputes of a payment take no more than its amount, except what was given back."""
    others = CardDispute.objects.filter(payment=payment, taken_at__isnull=False, given_back_at__isnull=True)
    taken_cents = int(others.exclude(pk=stored.pk).aggregate(cents=Sum("amount_cents"))["cents"] or 0)
    return min(stored.amount_cents, payment.amount_cents - taken_cents)


def _take(stored: CardDispute, payment: CardPayment, *, at: datetime) -> None:
    """`amount_cents` becomes what is taken, so that the same is given back."""
    bounded_cents = _bound(stored, payment)
    if bounded_cents != stored.amount_cents:
        # A person must look: the provider's list has another amount.
        after_commit(partial(_report, "payments.amount_differs", payment))
    if bounded_cents <= 0:
        return
    stored.amount_cents = bounded_cents
    allow_below(payment.wallet_id, amount_cents=stored.amount_cents)
    charge_back(
        payment.wallet.buyer_id,
        amount_cents=stored.amount_cents,
        key=stored.provider_id,
        actor=PROVIDER,
        reason=f"Card payment {payment.public_id} is disputed",
    )
    stored.taken_at = at
    stored.save(update_fields=["taken_at", "amount_cents"])
    pause(payment.wallet_id, reason=PauseReason.DISPUTED, at=at)
    after_commit(partial(_report, "payments.disputed", payment))


def _report(event: str, payment: CardPayment) -> None:
    """After the commit: a comparison that only looks takes everything back."""
    logger.error(event, extra={"payment": str(payment.public_id)})


def _give_back(stored: CardDispute, payment: CardPayment, *, at: datetime) -> None:
    if stored.taken_at is None or stored.given_back_at is not None:
        return
    win_back(
        payment.wallet.buyer_id,
        amount_cents=stored.amount_cents,
        key=stored.provider_id,
        actor=PROVIDER,
        reason=f"The dispute of card payment {payment.public_id} is won",
    )
    stored.given_back_at = at
    stored.save(update_fields=["given_back_at"])

"""Books refunds to cards. The provider's total so far says what is new, so that no refund counts twice."""

from typing import Final

from django.utils import timezone

from distribution.models import CardPayment, PaymentState
from distribution.money.card_movements import refund_to_card
from distribution.payments.backflow import allow_below

PROVIDER: Final = "card provider"


def apply_refunded(payment: CardPayment, *, refunded_cents: int) -> int:
    """Take the difference from the wallet. Needs its lock. Returns what was taken, in cents.

    A total that is not above the known one is late or repeated. Once a refund of the payment has failed, a total only
    makes the provider's list due (failed_refunds.py).
    """
    if payment.has_failed_refund:
        payment.refund_check_at = timezone.now()
        payment.save(update_fields=["refund_check_at"])
        return 0
    return take_refunded(payment, refunded_cents=refunded_cents)


def take_refunded(payment: CardPayment, *, refunded_cents: int) -> int:
    """The same for a total that is known to be true now. A surplus gave no credits, so nothing is taken."""
    total = min(refunded_cents, payment.amount_cents)
    new_cents = total - payment.refunded_cents
    if new_cents <= 0 or payment.state not in (PaymentState.SUCCEEDED, PaymentState.SURPLUS):
        return 0
    if payment.state == PaymentState.SUCCEEDED:
        _take(payment, new_cents, total=total)
    payment.refunded_cents = total
    payment.save(update_fields=["refunded_cents"])
    return new_cents


def _take(payment: CardPayment, new_cents: int, *, total: int) -> None:
    """A total may come again after a refund that failed: its key has what failed before."""
    failed = f":{payment.refund_failed_cents}" if payment.refund_failed_cents else ""
    allow_below(payment.wallet_id, amount_cents=new_cents)
    refund_to_card(
        payment.wallet.buyer_id,
        amount_cents=new_cents,
        key=f"{payment.provider_id}:{total}{failed}",
        actor=PROVIDER,
        reason=f"Refund of card payment {payment.public_id}",
    )

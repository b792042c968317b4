"""Books refunds to cards. The provider's total so far says what is new, so that no refund counts twice."""

from typing import Final

from distribution.models import CardPayment, PaymentState
from distribution.money.card_movements import refund_to_card
from distribution.payments.backflow import allow_below

PROVIDER: Final = "card provider"


def apply_refunded(payment: CardPayment, *, refunded_cents: int) -> int:
    """Take the difference from the wallet. Needs its lock. Returns what was taken, in cents.

    A total that is not above the known one is late or repeated. A surplus gave no credits, so nothing is taken.
    """
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
    allow_below(payment.wallet_id, amount_cents=new_cents)
    refund_to_card(
        payment.wallet.buyer_id,
        amount_cents=new_cents,
        key=f"{payment.provider_id}:{total}",
        actor=PROVIDER,
        reason=f"Refund of card payment {payment.public_id}",
    )

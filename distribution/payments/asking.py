"""Starts a refund to a card for an operator: its row and an audit entry. The payer asks the provider for it."""

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from distribution.models import CardDispute, CardPayment, CardRefund, PaymentState, RefundState, Wallet
from distribution.payments.buying import PaymentRefused, require_cards
from distribution.payments.locks import lock_payment
from tracing import audit
from tracing.wording import money


@dataclass(frozen=True, slots=True)
class Refundable:
    """`left_cents`: of the payment, less refunds and disputes. `free_cents`: of the wallet; None if it does not count.

    A payment that was taken twice gave no credits, so its refund takes none.
    """

    left_cents: int
    free_cents: int | None
    balance_cents: int

    @property
    def most_cents(self) -> int:
        return self.left_cents if self.free_cents is None else min(self.left_cents, self.free_cents)


def read_refundable(payment: CardPayment) -> Refundable:
    disputed = CardDispute.objects.filter(payment=payment, taken_at__isnull=False, given_back_at__isnull=True)
    disputed_cents = int(disputed.aggregate(cents=Sum("amount_cents"))["cents"] or 0)
    wallet = Wallet.objects.get(pk=payment.wallet_id)
    is_surplus = payment.state == PaymentState.SURPLUS
    return Refundable(
        left_cents=max(0, payment.amount_cents - payment.refunded_cents - disputed_cents),
        free_cents=None if is_surplus else max(0, wallet.balance_cents - wallet.held_cents),
        balance_cents=wallet.balance_cents,
    )


def find_hindrance(payment: CardPayment) -> PaymentRefused | None:
    """Why nothing of it can be refunded now."""
    if payment.state not in (PaymentState.SUCCEEDED, PaymentState.SURPLUS):
        return PaymentRefused("not_paid", "Only a payment that succeeded can be refunded.")
    if CardRefund.objects.filter(payment=payment, state=RefundState.OPEN).exists():
        return PaymentRefused("refund_pending", "A refund of this payment has not ended. Wait for it.")
    return None


def ask_refund(
    payment: CardPayment, *, amount_cents: int, token: UUID, actor: str, reason: str
) -> tuple[CardRefund, bool]:
    """Start a refund to the card. The money must still be in the wallet. Raises PaymentRefused.

    `token` is the form's own. Sent again, it starts nothing and returns the first refund, with False.
    """
    require_cards()
    with transaction.atomic():
        locked = lock_payment(payment.pk)
        known = CardRefund.objects.filter(payment=locked, public_id=token).first()
        if known is not None:
            return known, False
        hindrance = find_hindrance(locked)
        if hindrance is not None:
            raise hindrance
        _check_amount(read_refundable(locked), amount_cents=amount_cents)
        refund = CardRefund.objects.create(
            public_id=token,
            workspace_id=locked.workspace_id,
            payment=locked,
            amount_cents=amount_cents,
            actor=actor,
            reason=reason,
            next_try_at=timezone.now(),
        )
        _audit(refund, locked)
    return refund, True


def _audit(refund: CardRefund, payment: CardPayment) -> None:
    audit.record(
        actor=refund.actor,
        action="card_refund",
        target=payment,
        workspace_id=refund.workspace_id,
        reason=refund.reason,
        before={"refunded_cents": payment.refunded_cents},
        after={"asked_cents": refund.amount_cents},
    )


def _check_amount(refundable: Refundable, *, amount_cents: int) -> None:
    if 0 < amount_cents <= refundable.most_cents:
        return
    message = f"At most {money(refundable.most_cents)} can be refunded"
    if refundable.free_cents is not None:
        message += (
            f": {money(refundable.left_cents)} of the payment is left, and the wallet has"
            f" {money(refundable.free_cents)}"
        )
    raise PaymentRefused("out_of_range", message, field="amount")

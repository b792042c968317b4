"""Starts a payment by card: commits its row. The payer asks the provider for it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction
from uuid6 import uuid7

from distribution.locks import wait_for_wallet
from distribution.models import (
    LEAST_PAYMENT_CENTS,
    MOST_PAYMENT_CENTS,
    PENDING,
    Buyer,
    CardPayment,
    PaymentOrigin,
    Wallet,
)
from distribution.payments.account import has_cards
from distribution.payments.pausing import find_card
from tracing import audit
from tracing.wording import money

# Of the column. A person of the portal may have a longer name.
MOST_OF_ACTOR: Final = 100


class PaymentRefused(ValueError):
    """The payment is not started. `code` is for programs, the message for people. `fields`: what to correct.

    `wait_seconds`: nothing is wrong with the request. It may be sent again after so long.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        field: str = "",
        fields: Sequence[str] = (),
        wait_seconds: int = 0,
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.wait_seconds = code, message, wait_seconds
        self.fields = tuple(fields) or tuple(filter(None, [field]))

    @property
    def field(self) -> str:
        """The first one, or an empty text."""
        return next(iter(self.fields), "")


def start_payment(
    buyer: Buyer,
    *,
    amount_cents: int,
    actor: str,
    at: datetime,
    origin: PaymentOrigin = PaymentOrigin.BUYER,
    public_id: UUID | None = None,
) -> CardPayment:
    """Raises PaymentRefused. Two at once are impossible: the wallet is locked, and one may be pending.

    `public_id`: a form's own. Sent again, it returns the first payment.
    """
    _check(amount_cents)
    with transaction.atomic():
        wait_for_wallet(buyer.pk)
        wallet = Wallet.objects.get(buyer_id=buyer.pk)
        known = _find_known(wallet, public_id=public_id)
        if known is not None:
            return known
        card = find_card(wallet)
        if card is None:
            raise PaymentRefused("no_card", "There is no card. Add one first.")
        pending = CardPayment.objects.filter(wallet=wallet, state__in=PENDING).first()
        if pending is not None:
            message = f"The payment {pending.public_id} of {money(pending.amount_cents)} has not ended. Wait for it."
            raise PaymentRefused("payment_pending", message)
        payment = CardPayment.objects.create(
            public_id=public_id or uuid7(),
            workspace_id=buyer.workspace_id,
            wallet=wallet,
            card=card,
            origin=origin,
            actor=actor[:MOST_OF_ACTOR],
            amount_cents=amount_cents,
            next_try_at=at,
        )
        if origin == PaymentOrigin.BUYER:
            _audit(payment, wallet)
        return payment


def _audit(payment: CardPayment, wallet: Wallet) -> None:
    """What a person started. Automatic recharge has its payments, and the entry of who set it up."""
    audit.record(
        actor=payment.actor,
        action="card_payment",
        target=wallet,
        workspace_id=payment.workspace_id,
        after={"amount_cents": payment.amount_cents, "card": str(payment.card)},
    )


def _find_known(wallet: Wallet, *, public_id: UUID | None) -> CardPayment | None:
    """Raises PaymentRefused for the id of another wallet's payment."""
    known = None if public_id is None else CardPayment.objects.filter(public_id=public_id).first()
    if known is not None and known.wallet_id != wallet.pk:
        raise PaymentRefused("unknown_form", "This form cannot be used. Open the page again.")
    return known


def require_cards() -> None:
    """Raises PaymentRefused if the installation has no account at the provider."""
    if not has_cards():
        message = "Payments by card are not set up. Ask your agency to top up your wallet."
        raise PaymentRefused("no_cards", message)


def _check(amount_cents: int) -> None:
    require_cards()
    if not LEAST_PAYMENT_CENTS <= amount_cents <= MOST_PAYMENT_CENTS:
        message = f"must be between {money(LEAST_PAYMENT_CENTS)} and {money(MOST_PAYMENT_CENTS)}"
        raise PaymentRefused("out_of_range", message, field="amount_cents")

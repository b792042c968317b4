"""Cards, payments and webhooks of tests."""

import json
from typing import Any
from uuid import uuid4

from django.utils import timezone

from distribution.models import Buyer, Card, CardPayment, LedgerEntry, Recharge, Wallet
from distribution.payments.buying import start_payment
from distribution.payments.cards import begin_setup, find_customer, finish_setup, store_card
from distribution.payments.payer import run_due
from distribution.payments.provider import retrieve_card
from distribution.payments.webhook import receive
from tests.support.card_provider import GOOD, NEEDS_CONFIRMATION, WEBHOOK_SECRET, CardProvider, sign
from tests.support.factories import RechargeFactory


def give_card(buyer: Buyer, provider: CardProvider, *, number: str = GOOD) -> Card:
    """localstripe cannot finish the setup of a card that must be confirmed: that one is stored as if it had been."""
    if number == NEEDS_CONFIRMATION:
        raw = retrieve_card(provider.make_card(number))
        return store_card(find_customer(buyer), raw, actor="tests", at=timezone.now())
    setup_id = begin_setup(buyer)["setup_id"]
    provider.finish_setup(setup_id, number=number)
    return finish_setup(buyer, setup_id=setup_id, actor="tests", at=timezone.now())


def buy(buyer: Buyer, *, amount_cents: int = 5_000) -> CardPayment:
    """Start a payment. It is sent with the payer's next turn."""
    return start_payment(buyer, amount_cents=amount_cents, actor="tests", at=timezone.now())


def pay(buyer: Buyer, *, amount_cents: int = 5_000) -> CardPayment:
    """Start a payment and bring it to its end."""
    payment = buy(buyer, amount_cents=amount_cents)
    run_due()
    payment.refresh_from_db()
    return payment


def make_due(payment: CardPayment, **values: Any) -> None:
    """As after the wait: `next_try_at` has passed."""
    CardPayment.objects.filter(pk=payment.pk).update(next_try_at=timezone.now(), **values)


def recharge_of(buyer: Buyer, **values: Any) -> Recharge:
    """An automatic recharge that is on: $50.00 below $20.00."""
    recharge: Recharge = RechargeFactory(wallet=wallet_of(buyer), **values)
    return recharge


def wallet_of(buyer: Buyer) -> Wallet:
    return Wallet.objects.get(buyer=buyer)


def balance_of(buyer: Buyer) -> int:
    return wallet_of(buyer).balance_cents


def entries_of(buyer: Buyer) -> list[tuple[str, int]]:
    entries = LedgerEntry.objects.filter(wallet__buyer=buyer).order_by("pk")
    return [(entry.kind, entry.amount_cents) for entry in entries]


def make_event(kind: str, facts: dict[str, Any], *, event_id: str = "") -> bytes:
    """A webhook's body, indented as the provider sends it."""
    event = {
        "id": event_id or f"evt_{uuid4().hex}",
        "object": "event",
        "type": kind,
        "data": {"object": facts},
    }
    return json.dumps(event, indent=2).encode()


def deliver(kind: str, facts: dict[str, Any], *, event_id: str = "") -> str:
    """Sign an event and hand it over. Returns what became of it."""
    body = make_event(kind, facts, event_id=event_id)
    return receive(body, signature=sign(body), secrets=[WEBHOOK_SECRET], at=timezone.now())


def charge_of(payment: CardPayment, *, refunded_cents: int = 0) -> dict[str, Any]:
    """A charge as the provider sends it. It has the metadata of its payment."""
    return {
        "id": f"ch_{payment.pk}",
        "object": "charge",
        "payment_intent": payment.provider_id,
        "status": "succeeded",
        "amount": payment.amount_cents,
        "amount_refunded": refunded_cents,
        "currency": "usd",
        "metadata": {"leadswitch_payment": str(payment.public_id)},
    }


def dispute_of(
    payment: CardPayment, *, status: str = "needs_response", dispute_id: str = "dp_1"
) -> dict[str, Any]:
    return {
        "id": dispute_id,
        "object": "dispute",
        "payment_intent": payment.provider_id,
        "charge": f"ch_{payment.pk}",
        "status": status,
        "reason": "fraudulent",
        "amount": payment.amount_cents,
        "currency": "usd",
    }


def intent_of(payment: CardPayment, *, status: str = "succeeded", provider_id: str = "") -> dict[str, Any]:
    return {
        "id": provider_id or payment.provider_id,
        "object": "payment_intent",
        "status": status,
        "amount": payment.amount_cents,
        "currency": "usd",
        "metadata": {"leadswitch_payment": str(payment.public_id)},
        "last_payment_error": None,
    }

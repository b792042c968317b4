"""Adds a card: the browser gives it to the provider, and what we store of it comes from there. Never a card number."""

from datetime import datetime
from typing import Any, Final

from django.db import transaction

from distribution.locks import wait_for_wallet
from distribution.models import Buyer, Card, CardCustomer, Wallet
from distribution.payments.account import get_account
from distribution.payments.buying import PaymentRefused, require_cards
from distribution.payments.intents import id_of
from distribution.payments.pausing import note_success
from distribution.payments.provider import (
    RequestRefused,
    create_customer,
    create_setup,
    retrieve_card,
    retrieve_setup,
)
from distribution.payments.waiting import UNREACHABLE, person_waits
from tracing import audit

UNKNOWN_SETUP = PaymentRefused("unknown_setup", "is not a setup of yours", field="setup_id")
REMOVED = PaymentRefused("card_removed", "This card was removed or replaced. Begin again to add it.")
SETUP_PREFIX: Final = "seti_"


def begin_setup(buyer: Buyer) -> dict[str, str]:
    """What a browser needs to add a card. No transaction may be open. Raises PaymentRefused."""
    require_cards()
    try:
        with person_waits():
            setup = create_setup(find_customer(buyer).provider_id)
    except RequestRefused as error:
        raise UNREACHABLE from error
    return {
        "setup_id": str(setup["id"]),
        "client_secret": str(setup["client_secret"]),
        "publishable_key": get_account().publishable_key,
    }


def find_customer(buyer: Buyer) -> CardCustomer:
    """Make it at the provider the first time. Of two made at once, one is used; the other has no card and no money."""
    found = CardCustomer.objects.filter(buyer=buyer).first()
    if found is not None:
        return found
    provider_id = create_customer(buyer.public_id)
    CardCustomer.objects.bulk_create(
        [CardCustomer(buyer=buyer, workspace_id=buyer.workspace_id, provider_id=provider_id)],
        ignore_conflicts=True,
    )
    return CardCustomer.objects.get(buyer=buyer)


def finish_setup(buyer: Buyer, *, setup_id: str, actor: str, at: datetime) -> Card:
    """Store the card that a setup added. Raises PaymentRefused. A repeat returns the same card."""
    require_cards()
    customer = CardCustomer.objects.filter(buyer=buyer).first()
    if not setup_id.startswith(SETUP_PREFIX):
        raise UNKNOWN_SETUP
    if customer is None:
        raise UNKNOWN_SETUP
    try:
        with person_waits():
            card = _retrieve_added(setup_id, customer=customer)
    except RequestRefused as error:
        raise UNKNOWN_SETUP from error
    return store_card(customer, card, actor=actor, at=at)


def _retrieve_added(setup_id: str, *, customer: CardCustomer) -> dict[str, Any]:
    """The card of a setup. Raises PaymentRefused, AnswerUnknown, RequestRefused."""
    setup = retrieve_setup(setup_id)
    if id_of(setup["customer"]) != customer.provider_id:
        raise UNKNOWN_SETUP
    if setup["status"] != "succeeded":
        raise PaymentRefused(
            "setup_not_finished", "The card was not added yet. Finish it in the browser first."
        )
    return retrieve_card(id_of(setup["payment_method"]))


def store_card(customer: CardCustomer, raw: dict[str, Any], *, actor: str, at: datetime) -> Card:
    """Make it the buyer's current card. Raises PaymentRefused for one that was removed. Audited."""
    with transaction.atomic():
        wait_for_wallet(customer.buyer_id)
        known = Card.objects.filter(provider_id=raw["id"]).first()
        if known is not None:
            return _require_current(known)
        Card.objects.filter(buyer_id=customer.buyer_id, removed_at__isnull=True).update(removed_at=at)
        facts = raw["card"]
        card = Card.objects.create(
            buyer_id=customer.buyer_id,
            workspace_id=customer.workspace_id,
            customer=customer,
            provider_id=raw["id"],
            brand=str(facts["brand"])[:30],
            last4=str(facts["last4"]),
            exp_month=int(facts["exp_month"]),
            exp_year=int(facts["exp_year"]),
        )
        _audit(card, action="card_added", actor=actor)
        note_success(Wallet.objects.values_list("pk", flat=True).get(buyer_id=customer.buyer_id))
    return card


def _require_current(card: Card) -> Card:
    if card.removed_at is not None:
        raise REMOVED
    return card


def remove_card(buyer: Buyer, *, actor: str, at: datetime) -> bool:
    """Payments that are pending keep it, and then the payer detaches it. Returns False if there is none. Audited."""
    with transaction.atomic():
        wait_for_wallet(buyer.pk)
        card = Card.objects.filter(buyer=buyer, removed_at__isnull=True).first()
        if card is None:
            return False
        card.removed_at = at
        card.save(update_fields=["removed_at"])
        _audit(card, action="card_removed", actor=actor)
        return True


def _audit(card: Card, *, action: str, actor: str) -> None:
    audit.record(
        actor=actor,
        action=action,
        target=Wallet.objects.get(buyer_id=card.buyer_id),
        workspace_id=card.workspace_id,
        after={"card": str(card)},
    )

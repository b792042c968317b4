"""A card that is removed or replaced is detached at the provider as well: after its payment, and until it succeeds."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.utils import timezone
from prometheus_client import REGISTRY

from distribution.models import Buyer, Card
from distribution.payments.cards import begin_setup, finish_setup, remove_card
from distribution.payments.payer import run_due
from distribution.payments.provider import retrieve_card
from leadswitch.demo.recharge import running_provider
from leadswitch.env.payments import StripeAccount
from tests.support.card_provider import GOOD, NEEDS_CONFIRMATION, CardProvider
from tests.support.factories import BuyerFactory
from tests.support.paying import buy, give_card, make_due

UNKNOWN = "leadswitch_payment_requests_unknown_total"


def remove(buyer: Buyer) -> Card:
    card = Card.objects.get(buyer=buyer, removed_at__isnull=True)
    assert remove_card(buyer, actor="tests", at=timezone.now())
    return card


def customer_at(provider: CardProvider, card: Card) -> Any:
    return provider.ask("GET", f"/v1/payment_methods/{card.provider_id}")["customer"]


def is_detached(card: Card) -> bool:
    card.refresh_from_db()
    assert (card.detached_at is None) or card.detach_try_at is None
    return card.detached_at is not None


def make_due_again(card: Card) -> None:
    """As after the wait."""
    Card.objects.filter(pk=card.pk).update(detach_try_at=timezone.now())


def test_removed_card_is_detached_once(buyer: Buyer, provider: CardProvider) -> None:
    card = remove(buyer)
    assert customer_at(provider, card) == card.customer.provider_id
    assert run_due() == 1
    assert customer_at(provider, card) is None
    assert is_detached(card)
    assert run_due() == 0


def test_replaced_card_is_detached_and_the_new_one_is_kept(buyer: Buyer, provider: CardProvider) -> None:
    old = Card.objects.get(buyer=buyer)
    new = give_card(buyer, provider)
    assert run_due() == 1
    assert (customer_at(provider, old), customer_at(provider, new)) == (None, new.customer.provider_id)
    assert (is_detached(old), is_detached(new)) == (True, False)


def test_pending_payment_ends_before_its_card_is_detached(provider: CardProvider, db: None) -> None:  # noqa: ARG001
    buyer: Buyer = BuyerFactory()
    give_card(buyer, provider, number=NEEDS_CONFIRMATION)
    payment = buy(buyer)
    card = remove(buyer)
    run_due()
    payment.refresh_from_db()
    assert (payment.state, is_detached(card)) == ("needs_action", False)
    make_due(payment)  # a day later it is canceled
    run_due()
    payment.refresh_from_db()
    assert (payment.state, is_detached(card)) == ("canceled", True)


def test_card_is_detached_when_the_provider_is_back(buyer: Buyer, provider: CardProvider) -> None:
    card = remove(buyer)
    provider.refuse = 10
    before = timezone.now()
    assert run_due() == 0
    assert not is_detached(card)
    assert card.detach_try_at is not None
    assert before + timedelta(seconds=15) <= card.detach_try_at <= timezone.now() + timedelta(minutes=30)
    provider.refuse = 0
    assert run_due() == 0
    make_due_again(card)
    assert run_due() == 1
    assert is_detached(card)


def remove_some(provider: CardProvider, *, count: int) -> None:
    for _ in range(count):
        buyer: Buyer = BuyerFactory()
        give_card(buyer, provider)
        remove(buyer)


def count_requests(provider: CardProvider) -> int:
    return sum(path.endswith("/detach") for _, path in provider.requests)


def test_turn_detaches_one_card(provider: CardProvider, db: None) -> None:  # noqa: ARG001
    """Payments are looked at in between: a provider may be slow."""
    remove_some(provider, count=3)
    assert [run_due() for _ in range(4)] == [1, 1, 1, 0]
    assert not Card.objects.filter(detached_at=None).exists()


def test_turn_asks_once_while_the_provider_does_not_answer(provider: CardProvider, db: None) -> None:  # noqa: ARG001
    remove_some(provider, count=3)
    unknown = REGISTRY.get_sample_value(UNKNOWN)
    provider.refuse = 10
    assert run_due() == 0
    assert count_requests(provider) == 1
    assert REGISTRY.get_sample_value(UNKNOWN) == unknown


def test_card_of_long_ago_waits_for_30_minutes(buyer: Buyer, provider: CardProvider) -> None:
    card = remove(buyer)
    Card.objects.filter(pk=card.pk).update(removed_at=timezone.now() - timedelta(days=30))
    provider.refuse = 10
    before = timezone.now()
    run_due()
    assert not is_detached(card)
    assert card.detach_try_at is not None
    assert card.detach_try_at >= before + timedelta(minutes=30)


def test_lost_answer_is_settled_by_the_next_try(buyer: Buyer, provider: CardProvider) -> None:
    card = remove(buyer)
    provider.lose = 10
    run_due()
    assert not is_detached(card)
    provider.lose = 0
    make_due_again(card)
    run_due()
    assert is_detached(card)


@pytest.mark.parametrize("gone", [True, False], ids=["deleted", "detached"])
def test_card_that_the_provider_refuses_to_detach_is_looked_at(
    buyer: Buyer, provider: CardProvider, *, gone: bool
) -> None:
    card = remove(buyer)
    if gone:
        Card.objects.filter(pk=card.pk).update(provider_id="pm_unknown")
    else:
        provider.ask("POST", f"/v1/payment_methods/{card.provider_id}/detach")
    run_due()
    assert is_detached(card)


def test_provider_of_the_demo_detaches_as_the_real_one(settings: Any, db: None) -> None:  # noqa: ARG001
    buyer: Buyer = BuyerFactory()
    with running_provider() as running:
        given = running.environment
        base = given["LEADSWITCH_STRIPE_API_BASE"]
        settings.LEADSWITCH_STRIPE = StripeAccount(given["LEADSWITCH_STRIPE_SECRET_KEY"], "pk_demo", (), base)
        setup = begin_setup(buyer)
        sent = {"client_secret": setup["client_secret"], "number": GOOD}
        httpx.post(f"{base}/v1/setup_intents/{setup['setup_id']}/confirm", data=sent).raise_for_status()
        card = finish_setup(buyer, setup_id=setup["setup_id"], actor="tests", at=timezone.now())
        assert retrieve_card(card.provider_id)["customer"] == card.customer.provider_id
        remove(buyer)
        for _ in range(2):
            run_due()
            assert is_detached(card)
            assert retrieve_card(card.provider_id)["customer"] is None
            Card.objects.update(detached_at=None)

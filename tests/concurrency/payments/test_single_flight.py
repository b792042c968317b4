"""Payers that are killed or run at once: one payment at the provider, credited once."""

import signal
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from distribution.models import Buyer, CardPayment, PaymentState
from distribution.payments.buying import PaymentRefused
from distribution.payments.payer import run_due
from distribution.payments.recharging import recharge
from tests.support.card_provider import CardProvider
from tests.support.factories import BuyerFactory, CardPaymentFactory
from tests.support.paying import (
    buy,
    deliver,
    entries_of,
    give_card,
    intent_of,
    make_due,
    recharge_of,
    wallet_of,
)
from tests.support.processes import started

pytestmark = pytest.mark.usefixtures("committed_db")
AT_ONCE = 8


def buyer_with_card(provider: CardProvider) -> Buyer:
    buyer: Buyer = BuyerFactory()
    give_card(buyer, provider)
    return buyer


def at_once(work: object, *, count: int = AT_ONCE) -> list[object]:
    """Run it in as many threads, each with a connection of its own. Refusals are results."""
    barrier = Barrier(count)

    def run(_: int) -> object:
        try:
            barrier.wait()
            return work()  # type: ignore[operator]
        except (PaymentRefused, IntegrityError) as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_payer_killed_between_request_and_commit_charges_once(provider: CardProvider) -> None:
    buyer = buyer_with_card(provider)
    payment = buy(buyer)
    with started("-m", "tests.support.killed_paying", provider.url) as process:
        assert process.wait(timeout=60) == -signal.SIGKILL
    payment.refresh_from_db()
    assert (payment.state, payment.tries, payment.provider_id) == (PaymentState.OPEN, 1, None)
    assert run_due() == 0  # the lease of the killed payer has not ended
    make_due(payment)
    run_due()
    payment.refresh_from_db()
    assert payment.state == PaymentState.SUCCEEDED
    assert len(provider.list_payments()) == 1
    assert entries_of(buyer) == [("topup", 5_000)]


def test_purchases_at_once_start_one_payment(provider: CardProvider) -> None:
    buyer = buyer_with_card(provider)
    results = at_once(lambda: buy(buyer))
    assert sum(isinstance(each, CardPayment) for each in results) == 1
    at_once(run_due, count=4)
    assert len(provider.list_payments()) == 1
    assert entries_of(buyer) == [("topup", 5_000)]


def test_recharges_at_once_start_one_payment(provider: CardProvider) -> None:
    buyer = buyer_with_card(provider)
    recharge_of(buyer)
    wallet_id = wallet_of(buyer).pk
    results = at_once(lambda: recharge(wallet_id, at=timezone.now()))
    assert sorted(map(bool, results)) == [False] * (AT_ONCE - 1) + [True]
    assert CardPayment.objects.count() == 1


def test_without_the_lock_the_index_refuses_the_second(provider: CardProvider) -> None:
    """The control: rows that are inserted without the wallet's lock collide in the database."""
    card = buyer_with_card(provider).cards.get()

    def insert() -> object:
        with transaction.atomic():
            return CardPaymentFactory(
                card=card, state="open", failure_code="", ended_at=None, next_try_at=timezone.now()
            )

    refused = [each for each in at_once(insert) if isinstance(each, IntegrityError)]
    assert len(refused) == AT_ONCE - 1
    assert CardPayment.objects.count() == 1


def test_webhooks_at_once_credit_once(provider: CardProvider) -> None:
    buyer = buyer_with_card(provider)
    payment = buy(buyer)
    facts = intent_of(payment, provider_id="pi_1")
    results = at_once(lambda: deliver("payment_intent.succeeded", facts))
    assert results == ["applied"] * AT_ONCE
    assert entries_of(buyer) == [("topup", 5_000)]


def test_one_webhook_delivered_at_once_is_applied_once(provider: CardProvider) -> None:
    buyer = buyer_with_card(provider)
    payment = buy(buyer)
    facts = intent_of(payment, provider_id="pi_1")
    results = at_once(lambda: deliver("payment_intent.succeeded", facts, event_id="evt_1"))
    assert sorted(map(str, results)) == ["applied"] + ["repeated"] * (AT_ONCE - 1)
    assert entries_of(buyer) == [("topup", 5_000)]

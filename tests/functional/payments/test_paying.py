"""Payments with the real client: paid, declined, to be confirmed, lost answers. The provider is localstripe."""

from datetime import timedelta

import pytest
from django.utils import timezone

from distribution.models import Buyer, CardPayment, PaymentState
from distribution.payments.buying import PaymentRefused, start_payment
from distribution.payments.payer import run_due
from tests.support.card_provider import DECLINED, NEEDS_CONFIRMATION, CardProvider
from tests.support.paying import (
    balance_of,
    buy,
    entries_of,
    give_card,
    make_due,
    pay,
)

INTENTS = "/v1/payment_intents"


def test_payment_is_credited_once(buyer: Buyer, provider: CardProvider) -> None:
    payment = pay(buyer, amount_cents=5_000)
    assert payment.state == PaymentState.SUCCEEDED
    assert payment.entry is not None
    assert payment.entry.other_account == "card_clearing"
    assert entries_of(buyer) == [("topup", 5_000)]
    assert run_due() == 0
    assert provider.count_sent("POST", INTENTS) == 1
    assert f"payment:{payment.public_id}" in provider.keys


def test_row_is_there_before_the_request(buyer: Buyer, provider: CardProvider) -> None:
    payment = buy(buyer)
    assert CardPayment.objects.get().state == PaymentState.OPEN
    assert provider.count_sent("POST", INTENTS) == 0
    assert payment.provider_id is None


def test_declined_card_moves_no_money(buyer: Buyer, provider: CardProvider) -> None:
    give_card(buyer, provider, number=DECLINED)
    payment = pay(buyer)
    run_due()
    payment.refresh_from_db()
    assert (payment.state, payment.failure_code) == (PaymentState.FAILED, "card_declined")
    assert entries_of(buyer) == []


def test_payment_to_be_confirmed_waits_for_the_cardholder(buyer: Buyer, provider: CardProvider) -> None:
    give_card(buyer, provider, number=NEEDS_CONFIRMATION)
    payment = pay(buyer)
    assert payment.state == PaymentState.NEEDS_ACTION
    assert payment.provider_id is not None
    assert entries_of(buyer) == []
    with pytest.raises(PaymentRefused) as refusal:
        buy(buyer)
    assert refusal.value.code == "payment_pending"


def test_payment_that_nobody_confirms_is_canceled(buyer: Buyer, provider: CardProvider) -> None:
    give_card(buyer, provider, number=NEEDS_CONFIRMATION)
    payment = pay(buyer)
    make_due(payment)
    run_due()
    payment.refresh_from_db()
    assert payment.state == PaymentState.CANCELED
    assert [each["status"] for each in provider.list_payments()] == ["canceled"]


def test_lost_answer_is_looked_up_and_not_sent_again(buyer: Buyer, provider: CardProvider) -> None:
    payment = buy(buyer)
    provider.lose = 1
    run_due()
    payment.refresh_from_db()
    assert (payment.state, payment.tries, payment.provider_id) == (PaymentState.OPEN, 1, None)
    make_due(payment)
    run_due()
    payment.refresh_from_db()
    assert payment.state == PaymentState.SUCCEEDED
    assert len(provider.list_payments()) == 1
    assert entries_of(buyer) == [("topup", 5_000)]


def test_request_that_never_arrived_is_sent_again_after_a_while(buyer: Buyer, provider: CardProvider) -> None:
    payment = buy(buyer)
    provider.refuse = 1
    run_due()
    make_due(payment)
    run_due()
    assert provider.count_sent("POST", INTENTS) == 1  # it may still arrive
    make_due(payment, sent_at=timezone.now() - timedelta(minutes=5))
    run_due()
    payment.refresh_from_db()
    assert (payment.state, payment.tries) == (PaymentState.SUCCEEDED, 2)
    assert set(provider.keys[-2:]) == {f"payment:{payment.public_id}"}
    assert entries_of(buyer) == [("topup", 5_000)]


def test_one_payment_is_pending_at_a_time(buyer: Buyer) -> None:
    buy(buyer)
    with pytest.raises(PaymentRefused) as refusal:
        buy(buyer)
    assert refusal.value.code == "payment_pending"
    assert CardPayment.objects.count() == 1


@pytest.mark.parametrize("cents", [0, 49, 1_000_001])
def test_amount_out_of_range_is_refused(buyer: Buyer, cents: int) -> None:
    with pytest.raises(PaymentRefused) as refusal:
        start_payment(buyer, amount_cents=cents, actor="tests", at=timezone.now())
    assert (refusal.value.code, refusal.value.field) == ("out_of_range", "amount_cents")
    assert not CardPayment.objects.exists()
    assert balance_of(buyer) == 0

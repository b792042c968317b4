"""Webhooks signed by the provider's own scheme and handed over here.

localstripe sends neither refunds nor disputes, and sends nothing twice.
"""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from distribution.models import Buyer, CardDispute, CardPayment, CardRefund, PaymentState, ProviderEvent
from distribution.payments.payer import run_due
from distribution.payments.webhook import BadEvent, BadSignature, receive
from tests.support.card_provider import NEEDS_CONFIRMATION, WEBHOOK_SECRET, CardProvider, sign
from tests.support.paying import (
    balance_of,
    buy,
    charge_of,
    deliver,
    dispute_of,
    entries_of,
    give_card,
    intent_of,
    make_event,
    pay,
    recharge_of,
    wallet_of,
)

URL = "/api/v1/payments/stripe/webhook/"
SUCCEEDED = "payment_intent.succeeded"


def post(body: bytes, *, signature: str | None = None) -> Any:
    headers = {"Stripe-Signature": sign(body) if signature is None else signature}
    return Client(headers=headers).post(URL, body, content_type="application/json")


def test_webhook_credits_a_payment_whose_answer_was_lost(buyer: Buyer, provider: CardProvider) -> None:
    payment = buy(buyer)
    provider.lose = 1
    run_due()
    paid = provider.list_payments()[0]
    answer = post(make_event(SUCCEEDED, paid))
    assert (answer.status_code, answer.json()) == (200, {"result": "applied"})
    payment.refresh_from_db()
    assert payment.state == PaymentState.SUCCEEDED
    assert entries_of(buyer) == [("topup", 5_000)]


def test_repeated_webhook_changes_nothing(buyer: Buyer) -> None:
    payment = pay(buyer)
    assert deliver(SUCCEEDED, intent_of(payment), event_id="evt_1") == "applied"
    assert deliver(SUCCEEDED, intent_of(payment), event_id="evt_1") == "repeated"
    assert deliver(SUCCEEDED, intent_of(payment), event_id="evt_2") == "applied"
    assert entries_of(buyer) == [("topup", 5_000)]
    assert ProviderEvent.objects.count() == 2


def test_late_failure_does_not_undo_a_success(buyer: Buyer) -> None:
    payment = pay(buyer)
    failed = intent_of(payment, status="requires_payment_method")
    deliver("payment_intent.payment_failed", failed)
    payment.refresh_from_db()
    assert payment.state == PaymentState.SUCCEEDED


def test_late_cancellation_does_not_undo_a_success(buyer: Buyer) -> None:
    payment = pay(buyer)
    assert deliver("payment_intent.canceled", intent_of(payment, status="canceled")) == "ignored"
    payment.refresh_from_db()
    assert (payment.state, entries_of(buyer)) == (PaymentState.SUCCEEDED, [("topup", 5_000)])


def test_canceled_payment_ends_and_a_late_success_is_credited(buyer: Buyer) -> None:
    payment = buy(buyer)
    deliver("payment_intent.canceled", intent_of(payment, status="canceled", provider_id="pi_1"))
    payment.refresh_from_db()
    assert (payment.state, entries_of(buyer)) == (PaymentState.CANCELED, [])
    deliver(SUCCEEDED, intent_of(payment, provider_id="pi_1"))
    payment.refresh_from_db()
    assert (payment.state, entries_of(buyer)) == (PaymentState.SUCCEEDED, [("topup", 5_000)])


def test_success_after_a_failure_is_credited(buyer: Buyer) -> None:
    payment = buy(buyer)
    deliver(
        "payment_intent.payment_failed",
        intent_of(payment, status="requires_payment_method", provider_id="pi_1"),
    )
    deliver(SUCCEEDED, intent_of(payment, provider_id="pi_1"))
    payment.refresh_from_db()
    assert payment.state == PaymentState.SUCCEEDED
    assert entries_of(buyer) == [("topup", 5_000)]


def test_second_intent_of_a_payment_is_paid_back(buyer: Buyer, provider: CardProvider) -> None:
    """localstripe ignores idempotency keys, so a request sent twice makes two payments."""
    payment = pay(buyer)
    twin = provider.ask(
        "POST",
        "/v1/payment_intents",
        amount=5_000,
        currency="usd",
        customer=payment.card.customer.provider_id,
        payment_method=payment.card.provider_id,
        confirm="true",
        off_session="true",
        **{"metadata[leadswitch_payment]": str(payment.public_id)},
    )
    assert deliver(SUCCEEDED, twin) == "applied"
    assert deliver(SUCCEEDED, twin) == "applied"
    surplus = CardPayment.objects.get(state=PaymentState.SURPLUS)
    assert (surplus.surplus_of, surplus.provider_id) == (payment, twin["id"])
    run_due()
    surplus.refresh_from_db()
    assert (CardRefund.objects.get().state, surplus.refunded_cents) == ("done", 5_000)
    assert entries_of(buyer) == [("topup", 5_000)]


def test_amount_that_differs_is_not_credited(buyer: Buyer) -> None:
    payment = buy(buyer)
    deliver(SUCCEEDED, {**intent_of(payment, provider_id="pi_1"), "amount": 1})
    payment.refresh_from_db()
    assert payment.state == PaymentState.OPEN
    assert entries_of(buyer) == []


def test_refunds_take_the_difference_of_the_totals(buyer: Buyer) -> None:
    payment = pay(buyer)
    for total in (1_000, 3_000, 1_000, 3_000):
        deliver("charge.refunded", charge_of(payment, refunded_cents=total))
    assert entries_of(buyer) == [("topup", 5_000), ("cardrefund", -1_000), ("cardrefund", -2_000)]


def test_refund_that_comes_first_credits_and_refunds(buyer: Buyer, provider: CardProvider) -> None:
    payment = buy(buyer)
    provider.lose = 1
    run_due()
    payment.provider_id = provider.list_payments()[0]["id"]
    deliver("charge.refunded", charge_of(payment, refunded_cents=2_000))
    assert entries_of(buyer) == [("topup", 5_000), ("cardrefund", -2_000)]


def test_charge_that_failed_leaves_its_payment_to_the_cardholder(
    buyer: Buyer, provider: CardProvider
) -> None:
    give_card(buyer, provider, number=NEEDS_CONFIRMATION)
    payment = pay(buyer)
    assert payment.state == PaymentState.NEEDS_ACTION
    deliver("charge.updated", {**charge_of(payment), "status": "failed"})
    payment.refresh_from_db()
    assert payment.state == PaymentState.NEEDS_ACTION


def test_dispute_is_taken_once_and_given_back_once(buyer: Buyer) -> None:
    payment = pay(buyer)
    for kind in ("charge.dispute.created", "charge.dispute.funds_withdrawn"):
        deliver(kind, dispute_of(payment))
    for kind in ("charge.dispute.closed", "charge.dispute.funds_reinstated"):
        deliver(kind, dispute_of(payment, status="won"))
    deliver("charge.dispute.created", dispute_of(payment))  # late
    assert entries_of(buyer) == [("topup", 5_000), ("chargeback", -5_000), ("won_back", 5_000)]


def test_inquiry_takes_no_money(buyer: Buyer) -> None:
    payment = pay(buyer)
    for status in ("warning_needs_response", "warning_closed"):
        deliver("charge.dispute.updated", dispute_of(payment, status=status))
    assert entries_of(buyer) == [("topup", 5_000)]


def test_inquiry_that_becomes_a_dispute_is_taken(buyer: Buyer) -> None:
    payment = pay(buyer)
    deliver("charge.dispute.created", dispute_of(payment, status="warning_needs_response"))
    deliver("charge.dispute.updated", dispute_of(payment, status="needs_response"))
    deliver("charge.dispute.closed", dispute_of(payment, status="lost"))
    assert entries_of(buyer) == [("topup", 5_000), ("chargeback", -5_000)]


def test_dispute_before_its_payment_waits_for_it(buyer: Buyer, provider: CardProvider) -> None:
    payment = buy(buyer)
    provider.lose = 1
    run_due()
    payment.provider_id = provider.list_payments()[0]["id"]
    assert deliver("charge.dispute.created", dispute_of(payment)) == "waits_for_payment"
    assert entries_of(buyer) == []
    deliver(SUCCEEDED, intent_of(payment))
    assert entries_of(buyer) == [("topup", 5_000), ("chargeback", -5_000)]
    assert CardDispute.objects.get().payment == CardPayment.objects.get()


def test_chargeback_takes_the_balance_below_its_limit_and_pauses_the_recharge(buyer: Buyer) -> None:
    payment = pay(buyer)
    recharge = recharge_of(buyer, threshold_cents=100)
    from distribution.money.wallet import adjust

    adjust(buyer.pk, amount_cents=-4_000, key="spent", actor="tests", reason="spent")
    deliver("charge.dispute.created", dispute_of(payment))
    wallet = wallet_of(buyer)
    assert (wallet.balance_cents, wallet.charged_back_cents) == (-4_000, 4_000)
    recharge.refresh_from_db()
    assert recharge.pause_reason == "disputed"
    assert wallet.recharge_below_cents is None


def test_credits_after_a_chargeback_take_its_room_back(buyer: Buyer, provider: CardProvider) -> None:
    payment = pay(buyer)
    from distribution.money.wallet import adjust

    adjust(buyer.pk, amount_cents=-5_000, key="spent", actor="tests", reason="spent")
    deliver("charge.dispute.created", dispute_of(payment))
    give_card(buyer, provider)
    pay(buyer, amount_cents=2_000)
    wallet = wallet_of(buyer)
    assert (wallet.balance_cents, wallet.charged_back_cents) == (-3_000, 3_000)
    pay(buyer, amount_cents=4_000)
    wallet = wallet_of(buyer)
    assert (wallet.balance_cents, wallet.charged_back_cents) == (1_000, 0)


@pytest.mark.parametrize("seconds", [-301, 301])
def test_old_or_future_signature_is_refused(buyer: Buyer, seconds: int) -> None:  # noqa: ARG001
    at = timezone.now()
    body = make_event(SUCCEEDED, {"id": "pi_1"})
    signature = sign(body, at=(at + timedelta(seconds=seconds)).timestamp())
    with pytest.raises(BadSignature):
        receive(body, signature=signature, secrets=[WEBHOOK_SECRET], at=at)
    assert not ProviderEvent.objects.exists()


@pytest.mark.parametrize("signature", ["", "t=1", "v1=aa", "t=x,v1=aa", "nonsense"])
def test_wrong_signature_is_refused(buyer: Buyer, signature: str) -> None:
    payment = pay(buyer)
    answer = post(make_event(SUCCEEDED, intent_of(payment)), signature=signature)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_signature")
    assert not ProviderEvent.objects.exists()


def test_changed_body_is_refused(buyer: Buyer) -> None:
    payment = pay(buyer)
    body = make_event(SUCCEEDED, intent_of(payment))
    assert post(body.replace(b"  ", b" "), signature=sign(body)).status_code == 400


def test_either_secret_is_accepted_while_it_is_rotated(buyer: Buyer) -> None:
    payment = pay(buyer)
    body = make_event(SUCCEEDED, intent_of(payment))
    secrets = ["whsec_next", WEBHOOK_SECRET]
    assert receive(body, signature=sign(body), secrets=secrets, at=timezone.now()) == "applied"


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"null", b'{"object": "event"}', b"\xff"])
def test_signed_nonsense_is_refused(buyer: Buyer, body: bytes) -> None:  # noqa: ARG001
    with pytest.raises((BadEvent, BadSignature)):
        receive(body, signature=sign(body), secrets=[WEBHOOK_SECRET], at=timezone.now())


def test_events_of_others_are_stored_and_ignored(buyer: Buyer) -> None:
    foreign = {**intent_of(buy(buyer), provider_id="pi_x"), "metadata": {}}
    assert deliver(SUCCEEDED, foreign) == "unknown_payment"
    assert deliver("customer.created", {"id": "cus_1"}) == "ignored"
    assert balance_of(buyer) == 0


def test_without_an_account_there_is_no_webhook(settings: Any, db: None) -> None:  # noqa: ARG001
    settings.LEADSWITCH_STRIPE = None
    assert post(b"{}").status_code == 404


@pytest.mark.parametrize("changes", [{"amount": 1}, {"amount": 999_999}, {"currency": "jpy"}])
def test_success_of_another_amount_says_so(buyer: Buyer, changes: dict[str, Any]) -> None:
    payment = buy(buyer)
    paid = {**intent_of(payment, provider_id="pi_1"), **changes}
    assert deliver(SUCCEEDED, paid) == "amount_differs"
    assert ProviderEvent.objects.get().result == "amount_differs"
    assert entries_of(buyer) == []


def test_dispute_takes_no_more_than_the_payment(buyer: Buyer) -> None:
    payment = pay(buyer)
    deliver("charge.dispute.created", {**dispute_of(payment), "amount": 600_000})
    deliver("charge.dispute.created", dispute_of(payment, dispute_id="dp_2"))
    assert entries_of(buyer) == [("topup", 5_000), ("chargeback", -5_000)]
    deliver("charge.dispute.closed", {**dispute_of(payment, status="won"), "amount": 600_000})
    assert balance_of(buyer) == 5_000


@pytest.mark.parametrize("changes", [{"currency": "eur"}, {"amount": 0}])
def test_dispute_in_another_currency_is_left_to_a_person(buyer: Buyer, changes: dict[str, Any]) -> None:
    payment = pay(buyer)
    assert deliver("charge.dispute.created", {**dispute_of(payment), **changes}) == "amount_differs"
    assert (CardDispute.objects.count(), balance_of(buyer)) == (0, 5_000)


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (SUCCEEDED, {"id": None}),
        (SUCCEEDED, {"id": "pi_\0"}),
        (SUCCEEDED, {"id": "pi_\ud800"}),
        (SUCCEEDED, {"status": None}),
        (SUCCEEDED, {"amount": "abc"}),
        (SUCCEEDED, {"amount": None}),
        (SUCCEEDED, {"amount": 10**30}),
        (SUCCEEDED, {"metadata": "x"}),
        ("charge.refunded", {"payment_intent": "pi_1", "amount_refunded": -1}),
        ("charge.dispute.created", {"payment_intent": "pi_1", "amount": -5}),
        ("refund.failed", {"payment_intent": "pi_1", "amount": 1.5}),
    ],
)
def test_odd_event_is_refused_and_not_stored(buyer: Buyer, kind: str, changes: dict[str, Any]) -> None:
    facts = {**intent_of(buy(buyer), provider_id="pi_1"), **changes}
    answer = post(make_event(kind, facts))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_event")
    assert (ProviderEvent.objects.count(), entries_of(buyer)) == (0, [])


@pytest.mark.parametrize("missing", ["id", "type", "data"])
def test_event_without_a_part_is_refused(buyer: Buyer, missing: str) -> None:
    event = json.loads(make_event(SUCCEEDED, intent_of(buy(buyer), provider_id="pi_1")))
    del event[missing]
    assert post(json.dumps(event).encode()).status_code == 400
    assert ProviderEvent.objects.count() == 0


def test_event_of_no_interest_may_have_any_facts(buyer: Buyer) -> None:  # noqa: ARG001 - the provider is set up
    assert post(make_event("customer.updated", {"id": 7})).json() == {"result": "ignored"}

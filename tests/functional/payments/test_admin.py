"""An operator refunds a payment, looks it up at the provider, and pauses and resumes automatic recharge."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from distribution.models import Buyer, CardPayment, CardRefund, PauseReason, PaymentState, Recharge
from distribution.payments.payer import run_due
from tests.support.admin_pages import client_of, page, person
from tests.support.card_provider import CardProvider
from tests.support.factories import BuyerFactory
from tests.support.paying import balance_of, buy, deliver, dispute_of, entries_of, pay, recharge_of, wallet_of
from tracing.models import AuditEntry


@pytest.fixture
def finance(buyer: Buyer) -> Client:
    return client_of(person("finance", buyer.workspace))


def url_of(payment: CardPayment, name: str = "refund") -> str:
    return reverse("admin:distribution_cardpayment_do", args=[payment.pk, name])


def refund(**changes: Any) -> dict[str, Any]:
    return {"amount": "20.00", "reason": "agreed by phone", "token": str(uuid4()), **changes}


def text_of(answer: Any) -> str:
    return str(answer.content.decode())


def messages_of(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def test_refund_page_says_what_is_left_and_what_it_does(finance: Client, buyer: Buyer) -> None:
    payment = pay(buyer)
    shown = text_of(finance.get(url_of(payment)))
    assert "$50.00 of it is left to refund." in shown
    assert "balance is $50.00, of which $50.00 is free" in shown
    assert "After a refund of $50.00 the balance is $0.00." in shown


def test_refund_goes_to_the_card_once_for_each_form(
    finance: Client, buyer: Buyer, provider: CardProvider
) -> None:
    payment, sent = pay(buyer), refund()
    first = finance.post(url_of(payment), sent, follow=True)
    assert messages_of(first)[0].startswith("A refund of $20.00 was asked for.")
    run_due()
    again = finance.post(url_of(payment), sent, follow=True)
    assert messages_of(again) == ["This form was sent before. No second refund was asked for."]
    run_due()
    assert provider.count_sent("POST", "/v1/refunds") == 1
    assert entries_of(buyer) == [("topup", 5_000), ("cardrefund", -2_000)]
    assert CardRefund.objects.get().reason == "agreed by phone"
    shown = text_of(finance.get(page(CardPayment, "change", payment.pk)))
    assert "$20.00: done, asked by finance" in shown


@pytest.mark.parametrize(
    ("amount", "problem"),
    [
        ("50.01", "At most $50.00 can be refunded"),
        ("0", "At most $50.00 can be refunded"),
        ("-1", "Enter an"),
    ],
)
def test_refund_of_too_much_is_refused(finance: Client, buyer: Buyer, amount: str, problem: str) -> None:
    answer = finance.post(url_of(pay(buyer)), refund(amount=amount))
    assert answer.status_code == 400
    assert problem in text_of(answer)
    assert (CardRefund.objects.count(), balance_of(buyer)) == (0, 5_000)


def test_refund_without_a_reason_is_refused(finance: Client, buyer: Buyer) -> None:
    assert finance.post(url_of(pay(buyer)), refund(reason=" ")).status_code == 400
    assert CardRefund.objects.count() == 0


def test_open_payment_cannot_be_refunded(finance: Client, buyer: Buyer) -> None:
    payment = buy(buyer)
    assert "Only a payment that succeeded can be refunded." in text_of(finance.get(url_of(payment)))
    assert finance.post(url_of(payment), refund()).status_code == 400
    assert CardRefund.objects.count() == 0


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_only_finance_refunds_and_looks_up(buyer: Buyer, role: str) -> None:
    payment = pay(buyer)
    client = client_of(person(role, buyer.workspace))
    for name in ("refund", "lookup"):
        assert client.post(url_of(payment, name), refund()).status_code == 403
    assert CardRefund.objects.count() == 0
    assert client.get(page(CardPayment, "change", payment.pk)).context["action_buttons"] == []


def test_payment_of_another_workspace_is_not_found(buyer: Buyer) -> None:
    payment = pay(buyer)
    foreign = client_of(person("finance", BuyerFactory().workspace))
    for name in ("refund", "lookup"):
        assert foreign.post(url_of(payment, name), refund()).status_code == 404
    assert CardRefund.objects.count() == 0


def test_look_up_applies_what_no_webhook_brought(
    finance: Client, buyer: Buyer, provider: CardProvider
) -> None:
    payment = buy(buyer)
    provider.lose = 1
    run_due()
    payment.refresh_from_db()
    assert payment.state == PaymentState.OPEN
    answer = finance.post(url_of(payment, "lookup"), {"reason": "the buyer called"}, follow=True)
    assert messages_of(answer) == ["The provider was asked. The payment: succeeded."]
    assert entries_of(buyer) == [("topup", 5_000)]
    assert AuditEntry.objects.get(action="card_lookup").after == {"state": "succeeded"}


def test_look_up_never_sends_a_payment(finance: Client, buyer: Buyer, provider: CardProvider) -> None:
    payment = buy(buyer)
    answer = finance.post(url_of(payment, "lookup"), {"reason": "the buyer called"}, follow=True)
    assert messages_of(answer) == ["The provider has no payment for it."]
    assert provider.count_sent("POST", "/v1/payment_intents") == 0
    payment.refresh_from_db()
    assert payment.state == PaymentState.OPEN


def test_look_up_says_when_the_provider_is_away(
    finance: Client, buyer: Buyer, provider: CardProvider
) -> None:
    payment = buy(buyer)
    provider.refuse = 1
    answer = finance.post(url_of(payment, "lookup"), {"reason": "the buyer called"})
    assert (answer.status_code, answer["Retry-After"]) == (503, "60")
    assert "Nothing was changed. The card provider does not answer." in text_of(answer)
    assert not AuditEntry.objects.filter(action="card_lookup").exists()


def test_look_up_that_cannot_read_the_refunds_says_what_was_credited(
    finance: Client, buyer: Buyer, provider: CardProvider
) -> None:
    payment = buy(buyer)
    provider.lose = 1
    run_due()
    provider.away.add("/v1/refunds")
    answer = finance.post(url_of(payment, "lookup"), {"reason": "the buyer called"}, follow=True)
    assert messages_of(answer) == [
        "The provider was asked. The payment: succeeded. Its refunds were not read: the provider does not answer. "
        "Look it up again in a minute."
    ]
    assert entries_of(buyer) == [("topup", 5_000)]
    assert AuditEntry.objects.get(action="card_lookup").after == {"state": "succeeded"}


def test_list_shows_how_long_a_payment_is_open(finance: Client, buyer: Buyer) -> None:
    pay(buyer)
    payment = buy(buyer)
    CardPayment.objects.filter(pk=payment.pk).update(
        created_at=timezone.now() - timedelta(hours=3, minutes=2)
    )
    answer = finance.get(page(CardPayment, "changelist"), {"open": "1"})
    assert [row.pk for row in answer.context["cl"].result_list] == [payment.pk]
    assert "3 h 2 min" in text_of(answer)


def test_pages_without_keys_say_so(finance: Client, buyer: Buyer, settings: Any) -> None:
    payment = pay(buyer)
    settings.LEADSWITCH_STRIPE = None
    assert "LEADSWITCH_STRIPE_SECRET_KEY is not set" in text_of(finance.get(url_of(payment)))
    for name in ("refund", "lookup"):
        answer = finance.post(url_of(payment, name), refund())
        assert "Payments by card are not set up" in text_of(answer)
    assert CardRefund.objects.count() == 0


def recharge_url(buyer: Buyer, name: str) -> str:
    return reverse("admin:distribution_wallet_recharge", args=[wallet_of(buyer).pk, name])


def test_recharge_is_paused_and_resumed_with_a_reason(finance: Client, buyer: Buyer) -> None:
    recharge = recharge_of(buyer)
    finance.post(recharge_url(buyer, "pause"), {"reason": "card under review", "seen": seen(finance, buyer)})
    recharge.refresh_from_db()
    assert recharge.pause_reason == PauseReason.BY_HAND
    run_due()
    assert CardPayment.objects.count() == 0
    finance.post(
        recharge_url(buyer, "resume"), {"reason": "reviewed", "seen": seen(finance, buyer, name="resume")}
    )
    recharge.refresh_from_db()
    assert recharge.is_active
    entries = AuditEntry.objects.filter(action="recharge").order_by("pk")
    assert [entry.reason for entry in entries] == ["card under review", "reviewed"]


@pytest.mark.parametrize("reason", ["declined", "by_buyer"])
def test_pause_of_a_payment_or_the_buyer_is_made_that_of_the_agency(
    finance: Client, buyer: Buyer, reason: str
) -> None:
    recharge = recharge_of(buyer, paused_at=timezone.now(), pause_reason=reason)
    shown = text_of(finance.get(page(type(wallet_of(buyer)), "change", wallet_of(buyer).pk)))
    assert "Pause automatic recharge…" in shown
    assert "Resume automatic recharge…" in shown
    finance.post(recharge_url(buyer, "pause"), {"reason": "fraud", "seen": seen(finance, buyer)})
    pay(buyer)
    recharge.refresh_from_db()
    assert recharge.pause_reason == PauseReason.BY_HAND
    shown = text_of(finance.get(page(type(wallet_of(buyer)), "change", wallet_of(buyer).pk)))
    assert "Pause automatic recharge…" not in shown


def seen(client: Client, buyer: Buyer, *, name: str = "pause") -> str:
    return str(client.get(recharge_url(buyer, name)).context["form"]["seen"].value())


def test_recharge_that_is_off_cannot_be_paused(finance: Client, buyer: Buyer) -> None:
    recharge_of(buyer, is_on=False)
    assert "Now: off." in text_of(finance.get(recharge_url(buyer, "pause")))


def test_recharge_without_a_card_is_not_resumed(finance: Client, buyer: Buyer) -> None:
    recharge = recharge_of(buyer, paused_at=timezone.now(), pause_reason="no_card")
    buyer.cards.update(removed_at=timezone.now())
    answer = finance.post(
        recharge_url(buyer, "resume"), {"reason": "again", "seen": seen(finance, buyer, name="resume")}
    )
    assert "There is no card" in text_of(answer)
    recharge.refresh_from_db()
    assert not recharge.is_active


def test_recharge_of_another_workspace_is_not_found(buyer: Buyer) -> None:
    recharge_of(buyer)
    foreign = client_of(person("finance", BuyerFactory().workspace))
    assert foreign.post(recharge_url(buyer, "pause"), {"reason": "no"}).status_code == 404
    viewer = client_of(person("viewer", buyer.workspace))
    assert viewer.post(recharge_url(buyer, "pause"), {"reason": "no"}).status_code == 403
    assert Recharge.objects.get().is_active


def test_wallet_page_tells_whether_the_buyer_heard_of_the_pause(finance: Client, buyer: Buyer) -> None:
    recharge_of(buyer)
    deliver("charge.dispute.created", dispute_of(pay(buyer)))
    shown = text_of(finance.get(page(type(wallet_of(buyer)), "change", wallet_of(buyer).pk)))
    assert "the cardholder disputed a payment; an email to the buyer waits to be sent" in shown
    assert "Resume automatic recharge…" in shown

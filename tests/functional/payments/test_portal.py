"""A buyer adds a card in the portal, buys credits, sets automatic recharge, and confirms a payment."""

import re
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from distribution.models import Buyer, Card, CardPayment, PaymentState, PortalUser, Recharge
from distribution.payments.account import has_cards
from distribution.payments.payer import run_due
from distribution.slow_work import OUTSIDE
from tests.support.card_provider import DECLINED, NEEDS_CONFIRMATION, CardProvider
from tests.support.factories import BuyerFactory, PortalUserFactory
from tests.support.paying import balance_of, buy, give_card, pay, recharge_of
from tests.support.portal import signed_in
from tracing.models import AuditEntry

CARDS = "/portal/wallet/card/"
SETTINGS = {
    "recharge-is_on": "on",
    "recharge-threshold": "20",
    "recharge-amount": "50.00",
    "recharge-day_limit": "100",
    "recharge-week_limit": "200",
    "recharge-month_limit": "300",
    "recharge-max_tries": "2",
}


@pytest.fixture
def user(buyer: Buyer) -> PortalUser:
    made: PortalUser = PortalUserFactory(buyer=buyer, name="Dana Price")
    return made


@pytest.fixture
def client(user: PortalUser) -> Client:
    return signed_in(user)


def text_of(answer: Any) -> str:
    return str(answer.content.decode())


def version_in(answer: Any) -> str:
    """Of the settings that the form of automatic recharge shows."""
    found = re.search(r'name="recharge-version" value="([^"]+)"', text_of(answer))
    assert found is not None
    return unescape(found[1])


@pytest.mark.django_db
def test_card_is_added_by_the_browser_and_never_seen_by_the_page(
    provider: CardProvider, settings: Any
) -> None:
    buyer: Buyer = BuyerFactory()
    client = signed_in(PortalUserFactory(buyer=buyer))
    shown = client.post(f"{CARDS}add/")
    setup_id = re.search(r'name="setup_id" value="(seti_[^"]+)"', text_of(shown))
    assert setup_id is not None
    assert settings.LEADSWITCH_STRIPE.secret_key not in text_of(shown)
    provider.finish_setup(setup_id[1])
    answer = client.post(f"{CARDS}added/", {"setup_id": setup_id[1]})
    assert (answer.status_code, answer["Location"]) == (302, f"{CARDS}?done=card-added")
    assert Card.objects.get(buyer=buyer).last4 == "4242"
    assert "visa ending in 4242" in text_of(client.get(CARDS)).lower()


def test_only_the_page_that_takes_a_card_lets_stripe_in(client: Client) -> None:
    page, form = client.get(CARDS), client.post(f"{CARDS}add/")
    assert "stripe" not in page["Content-Security-Policy"] + text_of(page)
    policy = form["Content-Security-Policy"]
    nonce = re.search(
        r"script-src 'nonce-([^']+)' https://js\.stripe\.com https://\*\.js\.stripe\.com;", policy
    )
    assert nonce is not None
    assert text_of(form).count(f'nonce="{nonce[1]}"') == 2
    assert "connect-src https://api.stripe.com;" in policy
    assert "frame-src https://js.stripe.com https://*.js.stripe.com https://hooks.stripe.com;" in policy
    assert "unsafe" not in policy
    assert nonce[1] not in client.post(f"{CARDS}add/")["Content-Security-Policy"]


def test_setup_of_another_buyer_is_refused(client: Client, provider: CardProvider) -> None:
    from distribution.payments.cards import begin_setup

    foreign = begin_setup(BuyerFactory())["setup_id"]
    provider.finish_setup(foreign)
    answer = client.post(f"{CARDS}added/", {"setup_id": foreign})
    assert answer.status_code == 409
    assert "The card was not added. Try again." in text_of(answer)
    assert Card.objects.count() == 1


def test_provider_that_is_away_is_named(client: Client, provider: CardProvider) -> None:
    provider.refuse = 1
    answer = client.post(f"{CARDS}add/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "60")
    assert "The card provider does not answer. Try again in a minute." in text_of(answer)


def test_credits_are_bought_once_for_each_form(client: Client, buyer: Buyer) -> None:
    sent = {"buy-amount": "75.50", "buy-token": str(uuid4())}
    assert client.post(f"{CARDS}buy/", sent)["Location"] == f"{CARDS}?done=payment-started"
    run_due()
    assert client.post(f"{CARDS}buy/", sent).status_code == 302
    run_due()
    assert (CardPayment.objects.count(), balance_of(buyer)) == (1, 7_550)
    assert CardPayment.objects.get().actor == "portal Dana Price"
    assert "$75.50" in text_of(client.get(CARDS))


def test_form_with_the_id_of_a_foreign_payment_is_refused(
    client: Client, buyer: Buyer, provider: CardProvider
) -> None:
    other: Buyer = BuyerFactory()
    give_card(other, provider)
    foreign = buy(other)
    CardPayment.objects.filter(pk=foreign.pk).update(state="needs_action")
    answer = client.post(f"{CARDS}buy/", {"buy-amount": "50", "buy-token": str(foreign.public_id)})
    assert answer.status_code == 400
    assert "This form cannot be used." in text_of(answer)
    assert not CardPayment.objects.filter(wallet__buyer=buyer).exists()


@pytest.mark.parametrize("amount", ["0.49", "10000.01", "-5", "x", "", "NaN", "1e3000"])
def test_amount_out_of_range_is_refused(client: Client, amount: str) -> None:
    answer = client.post(f"{CARDS}buy/", {"buy-amount": amount, "buy-token": str(uuid4())})
    assert answer.status_code == 400
    assert CardPayment.objects.count() == 0


def test_second_payment_waits_for_the_first(client: Client, buyer: Buyer) -> None:
    buy(buyer)
    answer = client.post(f"{CARDS}buy/", {"buy-amount": "50", "buy-token": str(uuid4())})
    assert answer.status_code == 400
    assert "has not ended. Wait for it." in text_of(answer)


def test_recharge_is_set_paused_and_resumed(client: Client, buyer: Buyer) -> None:
    sent = {**SETTINGS, "recharge-version": version_in(client.get(CARDS))}
    assert client.post(f"{CARDS}recharge/", sent)["Location"] == f"{CARDS}?done=saved"
    recharge = Recharge.objects.get(wallet__buyer=buyer)
    assert (recharge.is_on, recharge.threshold_cents, recharge.month_limit_cents) == (True, 2_000, 30_000)
    assert client.post(f"{CARDS}recharge/pause/", {"action": "pause"}).status_code == 302
    recharge.refresh_from_db()
    assert recharge.pause_reason == "by_buyer"
    assert "You paused it." in text_of(client.get(CARDS))
    assert client.post(f"{CARDS}recharge/pause/", {"action": "resume"}).status_code == 302
    recharge.refresh_from_db()
    assert recharge.is_active


def test_limit_below_the_amount_is_marked(client: Client) -> None:
    version = version_in(client.get(CARDS))
    sent = {**SETTINGS, "recharge-day_limit": "40", "recharge-version": version}
    answer = client.post(f"{CARDS}recharge/", sent)
    assert answer.status_code == 400
    assert "It must not be below “Add this amount, in dollars”." in text_of(answer)
    assert not Recharge.objects.exists()


def test_declined_recharge_says_what_to_do(client: Client, buyer: Buyer, provider: CardProvider) -> None:
    give_card(buyer, provider, number=DECLINED)
    recharge_of(buyer)
    run_due()
    shown = text_of(client.get(CARDS))
    assert "Your card was declined. Add another card, or ask your bank and resume it." in shown
    assert "declined</span>" in shown


def test_payment_is_confirmed_with_its_secret(client: Client, buyer: Buyer, provider: CardProvider) -> None:
    give_card(buyer, provider, number=NEEDS_CONFIRMATION)
    payment = pay(buyer)
    assert payment.state == PaymentState.NEEDS_ACTION
    url = f"{CARDS}payments/{payment.public_id}/confirm/"
    listed = text_of(client.get(CARDS))
    asks = "Your bank wants you to confirm the payment of $50.00."
    assert listed.count(url) == 1
    assert listed.index(asks) < listed.index(url) < listed.index('id="card"')
    assert asks in text_of(client.get("/portal/"))
    shown = client.post(url)
    assert f'data-client-secret="{payment.provider_id}_secret_' in text_of(shown)
    assert "https://js.stripe.com" in shown["Content-Security-Policy"]


def test_no_page_asks_to_confirm_a_payment_without_keys(
    client: Client, buyer: Buyer, provider: CardProvider, settings: Any
) -> None:
    give_card(buyer, provider, number=NEEDS_CONFIRMATION)
    assert pay(buyer).state == PaymentState.NEEDS_ACTION
    settings.LEADSWITCH_STRIPE = None
    for path in ("/portal/", CARDS):
        assert "wants you to confirm" not in text_of(client.get(path))


def test_viewer_reads_who_confirms_a_payment(buyer: Buyer, provider: CardProvider) -> None:
    give_card(buyer, provider, number=NEEDS_CONFIRMATION)
    pay(buyer)
    client = signed_in(PortalUserFactory(buyer=buyer, role="viewer"))
    manager = signed_in(PortalUserFactory(buyer=buyer))
    for path in ("/portal/", CARDS):
        shown = text_of(client.get(path))
        assert "Your bank wants you to confirm the payment of $50.00." in shown
        assert "Ask a manager of your company." in shown
        assert "Ask a manager" not in text_of(manager.get(path))
    assert "Open the payment" not in text_of(client.get("/portal/"))


def test_payment_of_another_buyer_is_not_found(client: Client, provider: CardProvider) -> None:
    other: Buyer = BuyerFactory()
    give_card(other, provider)
    foreign = buy(other)
    assert client.post(f"{CARDS}payments/{foreign.public_id}/confirm/").status_code == 404
    assert str(foreign.public_id) not in text_of(client.get(CARDS))
    assert "confirm the payment" not in text_of(client.get("/portal/"))


def test_card_is_removed(client: Client, buyer: Buyer) -> None:
    assert client.post(f"{CARDS}remove/").status_code == 302
    assert not buyer.cards.filter(removed_at__isnull=True).exists()
    assert "There is no card yet." in text_of(client.get(CARDS))


def test_pages_without_keys_say_so_and_load_nothing(client: Client, buyer: Buyer, settings: Any) -> None:
    paid = pay(buyer)
    settings.LEADSWITCH_STRIPE = None
    assert not has_cards()
    shown = client.get(CARDS)
    assert "Payments by card are not set up. Ask" in text_of(shown)
    assert "<form" not in text_of(shown)
    for path, data in (
        ("add/", {}),
        ("added/", {"setup_id": "seti_1"}),
        (f"payments/{paid.public_id}/confirm/", {}),
        ("buy/", {"buy-amount": "50", "buy-token": str(uuid4())}),
    ):
        answer = client.post(f"{CARDS}{path}", data)
        assert answer.status_code in {400, 409}
        assert "Payments by card are not set up" in text_of(answer)
        assert "stripe" not in answer["Content-Security-Policy"]
    assert balance_of(buyer) == 5_000


def test_viewer_sees_the_card_and_changes_nothing(buyer: Buyer) -> None:
    recharge_of(buyer, paused_at=timezone.now() - timedelta(days=1), pause_reason="declined")
    client = signed_in(PortalUserFactory(buyer=buyer, role="viewer"))
    shown = text_of(client.get(CARDS))
    assert "ending in 4242" in shown
    assert "<form" not in shown
    assert "Your card was declined." in shown


def test_card_and_purchase_are_audited_with_the_person(client: Client, buyer: Buyer) -> None:
    client.post(f"{CARDS}buy/", {"buy-amount": "50", "buy-token": str(uuid4())})
    client.post(f"{CARDS}remove/")
    entries = AuditEntry.objects.filter(action__startswith="card_", actor="portal Dana Price").order_by("pk")
    assert [(entry.action, entry.object_id) for entry in entries] == [
        ("card_payment", str(buyer.wallet.pk)),
        ("card_removed", str(buyer.wallet.pk)),
    ]
    assert "ending in 4242" in entries[1].after["card"]


def test_setup_of_a_card_that_was_removed_adds_nothing(
    client: Client, buyer: Buyer, provider: CardProvider
) -> None:
    setup_id = re.search(r'value="(seti_[^"]+)"', text_of(client.post(f"{CARDS}add/")))
    assert setup_id is not None
    provider.finish_setup(setup_id[1])
    assert client.post(f"{CARDS}added/", {"setup_id": setup_id[1]}).status_code == 302
    client.post(f"{CARDS}remove/")
    answer = client.post(f"{CARDS}added/", {"setup_id": setup_id[1]})
    assert answer.status_code == 409
    assert "This card was removed or replaced. Begin again to add it." in text_of(answer)
    assert not buyer.cards.filter(removed_at__isnull=True).exists()


@pytest.mark.parametrize("setup_id", ["", "seti_unknown", "../payment_methods", "pi_1"])
def test_unknown_setup_is_refused(client: Client, setup_id: str) -> None:
    assert client.post(f"{CARDS}added/", {"setup_id": setup_id}).status_code == 409


def test_confirmation_names_the_card_for_a_bank_that_ended_the_first_try(
    client: Client, buyer: Buyer, provider: CardProvider
) -> None:
    give_card(buyer, provider, number=NEEDS_CONFIRMATION)
    payment = pay(buyer)
    shown = client.post(f"{CARDS}payments/{payment.public_id}/confirm/")
    assert f'data-payment-method="{payment.card.provider_id}"' in text_of(shown)


def test_pause_of_the_agency_is_not_ended_by_the_buyer(client: Client, buyer: Buyer) -> None:
    recharge_of(buyer, paused_at=timezone.now(), pause_reason="by_hand")
    shown = text_of(client.get(CARDS))
    assert "Your agency paused it. Ask your agency." in shown
    assert "Resume it" not in shown
    answer = client.post(f"{CARDS}recharge/pause/", {"action": "resume"})
    assert answer.status_code == 409
    assert "Your agency paused it. Ask your agency to resume it." in text_of(answer)
    assert Recharge.objects.get(wallet__buyer=buyer).pause_reason == "by_hand"


def test_person_with_the_longest_name_buys_credits(buyer: Buyer) -> None:
    client = signed_in(PortalUserFactory(buyer=buyer, name="D" * 100))
    assert client.post(f"{CARDS}buy/", {"buy-amount": "50", "buy-token": str(uuid4())}).status_code == 302
    run_due()
    assert balance_of(buyer) == 5_000
    assert CardPayment.objects.get().actor == f"portal {'D' * 93}"


@pytest.mark.parametrize("path", ["add/", "added/"])
def test_page_that_finds_no_place_asks_the_provider_nothing(
    client: Client, provider: CardProvider, path: str
) -> None:
    sent = len(provider.requests)
    with OUTSIDE.take(), OUTSIDE.take():
        answer = client.post(f"{CARDS}{path}", {"setup_id": "seti_1"})
    assert answer.status_code == 503
    assert "LeadSwitch is busy with the same for others." in text_of(answer)
    assert len(provider.requests) == sent


def test_form_that_was_opened_earlier_raises_no_limit_again(client: Client, buyer: Buyer) -> None:
    recharge_of(buyer)
    version = version_in(client.get(CARDS))
    lowered = {f"{period}_limit_cents": 6_000 for period in ("day", "week", "month")}
    Recharge.objects.update(**lowered)
    answer = client.post(f"{CARDS}recharge/", {**SETTINGS, "recharge-version": version})
    assert answer.status_code == 409
    assert "this was changed after you opened the page" in text_of(answer)
    assert Recharge.objects.get().month_limit_cents == 6_000
    again = client.post(f"{CARDS}recharge/", {**SETTINGS, "recharge-version": version_in(answer)})
    assert again.status_code == 302
    assert Recharge.objects.get().month_limit_cents == 30_000

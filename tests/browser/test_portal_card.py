"""A buyer adds a card on a phone, under the page's own policy. The demo's provider serves a script like Stripe.js."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django import DjangoDbBlocker

from distribution.models import Buyer, Card, CardPayment, PaymentState, PortalUser
from distribution.payments.payer import run_due
from distribution.payments.provider import retrieve_intent
from leadswitch.demo.card_provider import DECLINED, MUST_BE_CONFIRMED
from leadswitch.demo.recharge import RunningProvider, running_provider
from leadswitch.env.payments import StripeAccount
from tests.browser.chromium import PHONE, barriers, watched
from tests.browser.product import serve_product
from tests.browser.sizes import overflows
from tests.browser.test_portal import enter
from tests.conftest import VAR_DIR, WORKER
from tests.support.factories import BuyerFactory, PortalUserFactory
from tests.support.paying import recharge_of

CARDS = "/portal/wallet/card/"


@pytest.fixture(scope="module")
def provider() -> Iterator[RunningProvider]:
    with running_provider() as running:
        yield running


@pytest.fixture(scope="module")
def paying_address(
    browser: Browser,  # noqa: ARG001 - without one nothing is served
    provider: RunningProvider,
    django_db_setup: None,  # noqa: ARG001
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[str]:
    """A product with keys."""
    log_file = VAR_DIR / f"browser-cards-{WORKER}.log"
    with django_db_blocker.unblock(), serve_product(log_file=log_file, **provider.environment) as address:
        yield address


@pytest.fixture
def buyer(committed_db: None) -> Buyer:  # noqa: ARG001
    built: Buyer = BuyerFactory(name="Atlas Roofing")
    return built


@pytest.fixture
def page(browser: Browser, paying_address: str, buyer: Buyer) -> Iterator[Page]:
    with watched(browser, paying_address, viewport=PHONE, is_mobile=True, has_touch=True) as (context, watch):
        page = context.new_page()
        user: PortalUser = PortalUserFactory(buyer=buyer)
        enter(page, user, paying_address)
        yield page
        assert watch.complaints == []


def account_of(provider: RunningProvider) -> StripeAccount:
    given = provider.environment
    return StripeAccount(
        given["LEADSWITCH_STRIPE_SECRET_KEY"],
        given["LEADSWITCH_STRIPE_PUBLISHABLE_KEY"],
        (given["LEADSWITCH_STRIPE_WEBHOOK_SECRETS"],),
        given["LEADSWITCH_STRIPE_API_BASE"],
    )


def add_card(page: Page, number: str) -> None:
    page.goto(CARDS)
    page.get_by_role("button", name="Add a card").or_(
        page.get_by_role("button", name="Use another card")
    ).click()
    page.get_by_label("Card number").fill(number)
    page.get_by_role("button", name="Add this card").click()


def test_card_goes_from_the_browser_to_the_provider(page: Page, buyer: Buyer) -> None:
    page.goto("/portal/wallet/")
    page.get_by_role("link", name="Card and recharge").click()
    page.get_by_role("button", name="Add a card").click()
    assert not overflows(page)
    assert barriers(page) == []
    page.get_by_label("Card number").fill("4242")
    page.get_by_role("button", name="Add this card").click()
    expect(page.get_by_role("alert")).to_have_text("Your card number is incomplete.")
    page.get_by_label("Card number").fill(DECLINED)
    page.get_by_role("button", name="Add this card").click()
    expect(page.get_by_role("status")).to_have_text(
        "The card was added. Payments are taken from it from now on."
    )
    assert Card.objects.get(buyer=buyer).last4 == DECLINED[-4:]
    assert not overflows(page)
    assert barriers(page) == []


def test_credits_are_bought_and_recharge_is_set(page: Page, buyer: Buyer) -> None:
    add_card(page, MUST_BE_CONFIRMED)
    expect(page.get_by_role("status")).to_be_visible()
    page.get_by_label("Amount in dollars").fill("50")
    page.get_by_role("button", name="Buy").click()
    expect(page.get_by_text("being sent")).to_be_visible()
    page.get_by_label("Recharge automatically").check()
    for label, dollars in (
        ("When less than this is available, in dollars", "20"),
        ("Add this amount, in dollars", "50"),
        ("At most per day", "100"),
        ("At most per week", "200"),
        ("At most per calendar month", "300"),
    ):
        page.get_by_label(label).fill(dollars)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("Your change was saved.")
    buyer.wallet.refresh_from_db()
    assert buyer.wallet.recharge_below_cents == 2_000


def test_purchase_is_confirmed_while_the_bank_waits(
    page: Page, buyer: Buyer, provider: RunningProvider, settings: Any
) -> None:
    """As at Stripe: a payment that its cardholder made keeps its card while the bank waits."""
    add_card(page, MUST_BE_CONFIRMED)
    expect(page.get_by_role("status")).to_be_visible()
    settings.LEADSWITCH_STRIPE = account_of(provider)
    page.get_by_label("Amount in dollars").fill("50")
    page.get_by_role("button", name="Buy").click()
    expect(page.get_by_text("being sent")).to_be_visible()
    run_due()
    page.goto(CARDS)
    expect(page.get_by_text("waits for your confirmation")).to_be_visible()
    page.get_by_role("button", name="Confirm the payment").click()
    page.get_by_role("button", name="Confirm it").click()
    expect(page.get_by_role("status")).to_contain_text("The payment was confirmed.")
    payment = CardPayment.objects.get(wallet__buyer=buyer)
    assert payment.provider_id is not None
    assert retrieve_intent(payment.provider_id).is_paid


def test_recharge_is_confirmed_after_the_bank_ended_its_first_try(
    page: Page, buyer: Buyer, provider: RunningProvider, settings: Any
) -> None:
    """As at Stripe: an off-session payment that must be confirmed has no card any longer, and needs it again."""
    add_card(page, MUST_BE_CONFIRMED)
    expect(page.get_by_role("status")).to_be_visible()
    settings.LEADSWITCH_STRIPE = account_of(provider)
    recharge_of(buyer)
    run_due()
    payment = CardPayment.objects.get()
    assert payment.state == PaymentState.NEEDS_ACTION
    page.goto(CARDS)
    page.get_by_role("button", name="Confirm the payment").click()
    page.get_by_role("button", name="Confirm it").click()
    expect(page.get_by_role("status")).to_have_text(
        "The payment was confirmed. The credits are in your wallet within a minute."
    )
    assert payment.provider_id is not None
    assert retrieve_intent(payment.provider_id).is_paid

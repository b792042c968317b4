"""The page behind the link in each email notice: it works without a login, on a phone too."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from distribution.deliveries.unsubscribing import make_unsubscribe_link
from distribution.models import Subscription
from tests.browser.chromium import barriers
from tests.browser.conftest import OpenAs
from tests.browser.sizes import SIZES, overflows
from tests.support.factories import BuyerFactory, SubscriptionFactory

pytestmark = pytest.mark.usefixtures("committed_db")
LOOKS: dict[str, dict[str, Any]] = {**SIZES, "dark": {**SIZES["phone"], "color_scheme": "dark"}}
FINGER = 44  # pixels


@pytest.fixture
def subscription() -> Subscription:
    """Of two events."""
    made: Subscription = SubscriptionFactory(
        buyer=BuyerFactory(),
        method="email",
        url="",
        email_to="ann@example.com",
        events=["wallet.low", "lead.sold"],
    )
    return made


@pytest.fixture
def link(subscription: Subscription, settings: Any) -> str:
    settings.LEADSWITCH_BASE_URL = ""  # the browser adds the address
    return make_unsubscribe_link(subscription)


def expect_good(page: Page) -> None:
    assert not overflows(page)
    assert barriers(page) == []


@pytest.mark.parametrize("look", LOOKS)
def test_link_asks_first_and_a_press_unsubscribes(
    open_as: OpenAs, subscription: Subscription, link: str, look: str
) -> None:
    page = open_as(None, **LOOKS[look])
    page.goto(link)
    events = page.get_by_role("listitem")
    expect(events).to_have_text(["a lead was sold", "a wallet fell below its limit for a notice"])
    expect_good(page)
    button = page.get_by_role("button", name="Unsubscribe from all of these")
    box = button.bounding_box()
    assert box is not None
    assert box["height"] >= FINGER
    subscription.refresh_from_db()
    assert subscription.active
    button.click()

    expect(page.get_by_text("You are unsubscribed.")).to_be_visible()
    expect(events).to_have_count(2)
    expect(page.get_by_role("button")).to_have_count(0)
    expect_good(page)
    subscription.refresh_from_db()
    assert not subscription.active


def test_link_that_is_cut_says_what_to_do(open_as: OpenAs, link: str) -> None:
    cut = f"{link[:-9]}/"
    page = open_as(None, refused=[(404, cut)], **SIZES["phone"])
    page.goto(cut)

    expect(page.get_by_text("This link does not work.")).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(0)
    expect_good(page)

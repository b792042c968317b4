"""The review of returns with the keyboard alone."""

import re

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment, ReturnRequest
from distribution.returns.policy import Ask
from distribution.returns.request import request_return
from tests.browser.chromium import barriers
from tests.browser.conftest import OpenAs
from tests.support.admin_pages import page as path_of
from tests.support.admin_pages import person
from tests.support.factories import CampaignFactory, LeadFactory, ReturnPolicyFactory, SourceFactory, enroll

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture
def requests() -> list[ReturnRequest]:
    """Three of one buyer, the oldest first."""
    campaign = CampaignFactory.create(price_cents=2_500)
    enroll(campaign, count=1, credits_cents=10_000)
    source = SourceFactory.create(workspace=campaign.workspace)
    ReturnPolicyFactory.create(workspace=campaign.workspace)
    for _ in range(3):
        assert distribute_lead(LeadFactory.create(source=source).pk).result == "success"
        sold = Assignment.objects.select_related("buyer").latest("pk")
        ask = Ask("bad_phone", "not in service")
        request_return(sold.public_id, ask, buyer=sold.buyer, actor="key", at=timezone.now())
    return list(ReturnRequest.objects.order_by("pk"))


def states() -> list[str]:
    return list(ReturnRequest.objects.order_by("pk").values_list("state", flat=True))


def expect_at(page: Page, row: ReturnRequest) -> None:
    """Keys work once the page has loaded its script."""
    expect(page).to_have_url(re.compile(re.escape(path_of(ReturnRequest, "change", row.pk))))
    page.wait_for_load_state()


def decide(page: Page, key: str, reason: str) -> None:
    page.keyboard.press(key)
    expect(page.get_by_label("Why")).to_be_focused()
    page.keyboard.type(reason)
    expect(page.get_by_label("Why")).to_have_value(reason)
    page.keyboard.press("Enter")
    expect(page.locator(".messagelist .success")).to_be_visible()


def test_queue_is_worked_off_with_the_keyboard_alone(open_as: OpenAs, requests: list[ReturnRequest]) -> None:
    first, second, third = requests
    page = open_as(person("finance", first.buyer.workspace))
    page.goto(path_of(ReturnRequest, "changelist"))

    page.keyboard.press("j")
    expect_at(page, first)
    page.keyboard.press("j")
    expect_at(page, second)
    page.keyboard.press("k")
    expect_at(page, first)
    decide(page, "d", "a dedicated ad: jk")  # the keys of the buttons are letters in a field
    expect_at(page, second)
    decide(page, "a", "checked")
    expect_at(page, third)
    assert states() == ["declined", "approved", "requested"]
    decide(page, "a", "checked")

    expect(page).to_have_url(re.compile(re.escape(path_of(ReturnRequest, "changelist")) + "$"))
    assert states() == ["declined", "approved", "approved"]
    page.keyboard.press("j")
    expect(page.locator(".messagelist")).to_contain_text("No other return waits for review.")


def test_escape_leaves_the_question(open_as: OpenAs, requests: list[ReturnRequest]) -> None:
    page = open_as(person("finance", requests[0].buyer.workspace))
    page.goto(path_of(ReturnRequest, "change", requests[0].pk))
    page.keyboard.press("a")
    expect(page.get_by_label("Why")).to_be_focused()
    page.keyboard.press("Escape")

    expect_at(page, requests[0])
    assert states() == ["requested"] * 3


def test_keys_with_control_and_other_keys_do_nothing(open_as: OpenAs, requests: list[ReturnRequest]) -> None:
    page = open_as(person("finance", requests[0].buyer.workspace))
    page.goto(path_of(ReturnRequest, "change", requests[0].pk))
    for key in ("Control+a", "Alt+d", "x", '"', "]"):
        page.keyboard.press(key)

    expect_at(page, requests[0])
    page.keyboard.press("j")
    expect_at(page, requests[1])
    assert states() == ["requested"] * 3


@pytest.mark.parametrize("look", ["light", "dark"])
def test_queue_is_accessible(open_as: OpenAs, requests: list[ReturnRequest], look: str) -> None:
    page = open_as(person("finance", requests[0].buyer.workspace), color_scheme=look)
    for path in (
        path_of(ReturnRequest, "changelist"),
        path_of(ReturnRequest, "change", requests[0].pk),
        "/admin/distribution/returnrequest/figures/",
    ):
        page.goto(path)
        expect(page.locator("h1").first).to_be_visible()
        assert barriers(page) == [], path

"""No list of the admin is wider than its page, on a desktop and on a phone, and filters come before the list."""

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import expect

from routing.models import DispatchControl, DispatchMode, Lead, LeadStatus
from tests.browser.chromium import barriers
from tests.browser.conftest import OpenAs
from tests.browser.sizes import SIZES, TOO_WIDE, overflows
from tests.support.admin_pages import MODELS, build_world, store_ended_offer
from tests.support.admin_pages import page as path_of
from tests.support.factories import (
    CardPaymentFactory,
    EnrollmentFactory,
    LeadFactory,
    RuleFactory,
    WorkspaceFactory,
)

LONG_CONDITION = {
    "all": [
        {"field": "state", "op": "in", "value": ["GA", "FL"]},
        {"field": "vertical", "op": "in", "value": ["roofing", "hvac", "plumbing", "windows"]},
    ]
}


@pytest.mark.parametrize("size", SIZES)
def test_lists_fit_their_page(open_as: OpenAs, size: str) -> None:
    build_world()
    WorkspaceFactory(dispatch_mode=DispatchMode.POLL)
    lead = LeadFactory(
        source__name="Homeowner comparison page",
        source__workspace__name="Southeast agency 1",
        status=LeadStatus.FAILED,
        next_attempt_at=None,
        finished_at=timezone.now(),
        skip_reason="no_eligible_buyers_after_tier_filters",
    )
    RuleFactory(
        name="Georgia and Florida homes", conditions=LONG_CONDITION, tags=["southeast", "residential homes"]
    )
    enrollment = EnrollmentFactory(
        campaign__name="Heating and cooling, shared, Southeast",
        campaign__workspace__name="Southeast agency 1",
        buyer__name="Oak Street Heating & Air Phoenix",
    )
    store_ended_offer(lead, enrollment)
    CardPaymentFactory(card__buyer=enrollment.buyer)
    page = open_as(User.objects.create_superuser("root"), **SIZES[size])
    wide = []
    for model in MODELS:
        page.goto(path_of(model, "changelist"))
        expect(page.locator("#result_list tbody tr").first).to_be_visible()
        if overflows(page):
            wide.append(model.__name__)
    assert wide == []


@pytest.mark.usefixtures("redis_client")
@pytest.mark.parametrize("size", SIZES)
def test_dispatch_fits_its_page(open_as: OpenAs, size: str) -> None:
    page = open_as(User.objects.create_superuser("root"), **SIZES[size])
    page.goto(path_of(DispatchControl, "changelist"))
    shards = page.get_by_test_id("dispatch-shards")
    expect(shards).to_be_visible()
    assert not shards.evaluate(TOO_WIDE)
    assert not overflows(page)


@pytest.mark.parametrize("size", SIZES)
def test_filter_is_a_menu_before_the_list(open_as: OpenAs, size: str) -> None:
    build_world()
    page = open_as(User.objects.create_superuser("root"), **SIZES[size])
    page.goto(path_of(Lead, "changelist"))
    filters, rows = page.locator(".admin-filters").bounding_box(), page.locator("#result_list").bounding_box()
    assert filters is not None
    assert rows is not None
    assert filters["y"] + filters["height"] <= rows["y"]

    status = page.locator(".admin-filter summary", has_text="Status")
    status.focus()
    page.keyboard.press("Enter")
    assert not overflows(page)
    assert barriers(page) == []
    menu = page.locator(".admin-filter[open]")
    page.keyboard.press("Escape")
    expect(menu).to_have_count(0)
    expect(status).to_be_focused()
    page.keyboard.press("Enter")
    expect(menu).to_have_count(1)
    page.locator("h1").click()
    expect(menu).to_have_count(0)

    status.click()
    page.get_by_role("link", name="needs an operator to run it again", exact=True).click()
    expect(status).to_have_text("Status: needs an operator to run it again")
    expect(page.locator(".admin-empty")).to_contain_text("No matches")
    page.get_by_role("link", name="Clear filters").click()
    expect(page.locator("#result_list tbody tr")).to_have_count(1)

"""Deliveries in a browser: the page by endpoint with its charts, and many that are sent again from the list."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import Page, expect

from distribution.attempts.distribute import distribute_lead
from distribution.models import Delivery, Endpoint
from routing.models import Lead
from tests.browser.chromium import barriers
from tests.browser.conftest import OpenAs
from tests.browser.delivery_scene import WAITING, send_deliveries
from tests.browser.scene import build_scene
from tests.browser.sizes import SIZES, overflows
from tests.browser.steps import confirm
from tests.browser.test_health import PAINTED
from tests.support.admin_pages import page as path_of
from tests.support.admin_pages import person
from tests.support.factories import EnrollmentFactory, LeadFactory

pytestmark = pytest.mark.usefixtures("committed_db")
CHARTS = ("outcomes", "latency")
LOOKS: dict[str, dict[str, Any]] = {**SIZES, "dark": {**SIZES["desktop"], "color_scheme": "dark"}}


@pytest.fixture
def lead() -> Lead:
    """Sold to a buyer with endpoints."""
    scene = build_scene()
    buyer = scene.distant
    EnrollmentFactory.create(campaign__workspace=buyer.workspace, campaign__name="Gutters", buyer=buyer)
    lead: Lead = LeadFactory.create(source=scene.source, state="TX", zip="75201")
    assert distribute_lead(lead.pk).result == "success"
    send_deliveries(buyer, lead)
    return lead


def open_figures(open_as: OpenAs, **options: Any) -> Page:
    page = open_as(User.objects.create_superuser("root"), **options)
    page.goto(reverse("admin:distribution_delivery_figures"))
    expect(page.locator("[data-chart] canvas")).to_have_count(len(CHARTS))
    return page


@pytest.mark.usefixtures("lead")
@pytest.mark.parametrize("look", LOOKS)
def test_figures_fit_and_are_accessible(open_as: OpenAs, look: str, tmp_path: Path) -> None:
    page = open_figures(open_as, **LOOKS[look])
    for name in CHARTS:
        assert page.get_by_test_id(f"chart-{name}").locator("[data-chart]").evaluate(PAINTED) > 0.01
    assert not overflows(page)
    for summary in page.locator(".health summary").all():
        summary.click()
    assert not overflows(page)
    page.screenshot(path=tmp_path / f"{look}.png", full_page=True)
    assert barriers(page) == []


@pytest.mark.usefixtures("lead")
def test_chart_of_one_endpoint_is_a_click_away(open_as: OpenAs) -> None:
    page = open_figures(open_as)
    row = page.get_by_test_id("by-endpoint").locator("tbody tr").filter(has_text="CRM")
    row.get_by_role("link", name="Chart").click()

    expect(page.get_by_test_id("chosen-endpoint")).to_contain_text(
        "Only the endpoint CRM of Lone Star Roofing"
    )
    expect(page.get_by_test_id("by-endpoint").locator("tbody tr")).to_have_count(1)
    expect(page.locator("[data-chart] canvas")).to_have_count(len(CHARTS))


@pytest.mark.usefixtures("lead")
def test_unknown_one_is_decided_from_the_page(open_as: OpenAs) -> None:
    page = open_figures(open_as)
    waiting = page.get_by_test_id("waiting").locator("tbody tr")
    expect(waiting).to_have_count(WAITING)
    waiting.first.get_by_role("link", name="Decide: accepted").click()
    expect(page.get_by_label("Why")).to_be_focused()
    confirm(page, "they have it", "Decide: accepted")

    assert Delivery.objects.filter(state="unknown").count() == WAITING - 1


@pytest.mark.parametrize("look", SIZES)
def test_many_are_sent_again_from_the_list(open_as: OpenAs, lead: Lead, look: str) -> None:
    page = open_as(person("operator", lead.workspace), **SIZES[look])
    page.goto(f"{path_of(Delivery, 'changelist')}?state=unknown")
    expect(page.locator("#result_list tbody tr")).to_have_count(WAITING)
    assert not overflows(page)
    for box in page.locator("#result_list tbody .action-select").all():
        box.check()
    page.locator("select[name=action]").select_option("resend_deliveries")
    page.locator(".actions button").first.click()
    expect(page.locator("#content-main")).to_contain_text(
        "3 deliveries will be sent again to the same endpoint"
    )
    confirm(page, "their system is up again", "Send again")

    expect(page.locator(".messagelist .success")).to_have_text("3 deliveries are sent again.")
    expect(page.locator(".admin-empty")).to_contain_text("No matches")
    assert Delivery.objects.filter(state="pending").count() == WAITING


@pytest.mark.parametrize("look", LOOKS)
def test_requests_and_answers_fit_and_are_accessible(open_as: OpenAs, lead: Lead, look: str) -> None:
    page = open_as(User.objects.create_superuser("root"), **LOOKS[look])
    row = Delivery.objects.filter(state="unknown").first()
    assert row is not None
    endpoint = Endpoint.objects.get(name="CRM")
    for path in (
        path_of(Delivery, "change", row.pk),
        path_of(Lead, "change", lead.pk),
        path_of(Endpoint, "change", endpoint.pk),
    ):
        page.goto(path)
        expect(page.locator("h1").first).to_be_visible()
        assert not overflows(page), path
        assert barriers(page) == [], path

"""What people do again and again in the journeys."""

from playwright.sync_api import Page, expect

from routing.models import Lead
from tests.support.admin_pages import page as path_of


def confirm(page: Page, reason: str, button: str) -> None:
    """Give the reason that every action asks for, and see that it was done."""
    page.get_by_label("Why").fill(reason)
    page.get_by_role("button", name=button).click()
    expect(page.locator(".messagelist .success")).to_be_visible()


def press_on_lead(page: Page, lead: Lead, button: str) -> None:
    """Open the lead's page and press one of its buttons, which leads to a page that asks first."""
    page.goto(path_of(Lead, "change", lead.pk))
    page.locator(".object-tools").get_by_role("link", name=button, exact=True).click()

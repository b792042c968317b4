"""The sizes that pages must fit, and whether one does."""

from playwright.sync_api import Page

from tests.browser.chromium import DESKTOP, PHONE

SIZES = {"desktop": {"viewport": DESKTOP}, "phone": {"viewport": PHONE, "is_mobile": True, "has_touch": True}}


TOO_WIDE = "each => each.scrollWidth > each.clientWidth"


def overflows(page: Page) -> bool:
    """Whether anything must be scrolled sideways: the page itself, or the table in it."""
    results = page.locator("#changelist-form .results")
    is_table_cut = results.count() > 0 and results.evaluate(TOO_WIDE)
    return bool(is_table_cut or page.locator("html").evaluate(TOO_WIDE))

"""A person who is signed in to the portal in a browser."""

from typing import Any, Final

from playwright.sync_api import Page

from distribution.models import PortalUser
from distribution.portal.cookies import COOKIE
from tests.browser.chromium import PHONE
from tests.support.portal import session_text

ON_A_PHONE: Final[dict[str, Any]] = {"viewport": PHONE, "is_mobile": True, "has_touch": True}


def enter(page: Page, user: PortalUser, address: str) -> None:
    """As the link does."""
    cookie: Any = {"name": COOKIE, "value": session_text(user), "url": f"{address}/portal/"}
    page.context.add_cookies([cookie])

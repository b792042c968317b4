"""The portal of a buyer, on a phone: signing in, the pages, and how accessible they are."""

from pathlib import Path

import pytest
from playwright.sync_api import Page

from distribution.portal.cookies import COOKIE
from tests.browser.chromium import PHONE, barriers
from tests.browser.conftest import OpenAs
from tests.browser.sizes import SIZES, overflows
from tests.support.factories import PortalUserFactory
from tests.support.portal import session_text
from tests.support.portal_scene import PortalScene, build_portal_scene, list_pages

ON_A_PHONE = {"viewport": PHONE, "is_mobile": True, "has_touch": True}
SHOTS = Path(__file__).resolve().parents[2] / "var" / "screenshots" / "portal"


@pytest.fixture
def scene(committed_db: None) -> PortalScene:  # noqa: ARG001
    return build_portal_scene()


def enter(page: Page, scene: PortalScene, address: str) -> None:
    """As the link does."""
    page.context.add_cookies(
        [{"name": COOKIE, "value": session_text(scene.user), "url": f"{address}/portal/"}]  # type: ignore[list-item]
    )


@pytest.mark.parametrize("size", SIZES)
def test_every_page_fits_and_is_accessible(
    size: str, scene: PortalScene, open_as: OpenAs, address: str
) -> None:
    PortalUserFactory(email=scene.user.email, buyer__name="Birch Roofing")
    page = open_as(None, **SIZES[size])
    enter(page, scene, address)
    for name, path in [*list_pages(scene).items(), ("sign-in", "/portal/sign-in/")]:
        answer = page.goto(path)
        assert answer is not None
        assert (answer.status, page.url) == (200, f"{address}{path}"), path
        assert not overflows(page), path
        assert barriers(page) == [], path
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.screenshot(path=SHOTS / size / scheme / f"{name}.png", full_page=True)

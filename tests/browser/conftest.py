"""A browser, the product it looks at, and people who are logged in."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connections
from django.test import Client
from playwright.sync_api import Browser, Page, sync_playwright
from pytest_django.plugin import DjangoDbBlocker

from tests.browser.chromium import DESKTOP, Watch, find_chromium, launch, watched
from tests.browser.product import serve_product
from tests.conftest import VAR_DIR, WORKER

if TYPE_CHECKING:  # loaded before the apps are
    from django.contrib.auth.models import User

NO_CHROMIUM = "chromium is not installed: run ops/install_chromium.sh as root, or apt-get install chromium"
OpenAs = Callable[..., Page]


@pytest.fixture(scope="package", autouse=True)
def orm_beside_playwright() -> Iterator[None]:
    """Playwright's event loop lives in the thread of the tests, where Django would refuse the ORM.

    Beside a loop Django also opens connections of its own: `committed_db` has no list of those from before, and
    would close them. They are closed here, and open again when they are needed.
    """
    connections.close_all()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield


@pytest.fixture(scope="package")
def browser(orm_beside_playwright: None) -> Iterator[Browser]:  # noqa: ARG001
    if find_chromium() is None:
        if os.environ.get("CI") == "true":
            pytest.fail(NO_CHROMIUM)
        pytest.skip(NO_CHROMIUM)
    with sync_playwright() as playwright, launch(playwright) as chromium:
        yield chromium


@pytest.fixture(scope="package")
def address(
    browser: Browser,  # noqa: ARG001 - without one nothing is served
    django_db_setup: None,  # noqa: ARG001
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[str]:
    """The product, served from the test database. Tests use `committed_db`: it sees only what is committed."""
    with django_db_blocker.unblock(), serve_product(log_file=VAR_DIR / f"browser-{WORKER}.log") as address:
        yield address


@pytest.fixture
def open_as(browser: Browser, address: str, committed_db: None) -> Iterator[OpenAs]:  # noqa: ARG001
    """Call with a user (or None) for a page in a profile of its own: `open_as(user).goto("/admin/")`.

    Every page is checked when the test ends; `refused=[(403, path)]` names the refusals that it is about.
    """
    with ExitStack() as profiles:
        watches: list[Watch] = []

        def open_page(
            user: "User | None", *, refused: list[tuple[int, str]] | None = None, **options: Any
        ) -> Page:
            context, watch = profiles.enter_context(
                watched(browser, address, **{"viewport": DESKTOP, **options})
            )
            if user is not None:
                context.add_cookies([session_cookie(user, address)])
            watch.expected = refused or []
            watches.append(watch)
            return context.new_page()

        yield open_page
        for watch in watches:
            watch.check()


def session_cookie(user: "User", address: str) -> Any:
    client = Client()
    client.force_login(user)
    return {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": address}

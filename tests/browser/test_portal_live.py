"""Offers in the portal as they open and close: with the stream, without it, and without scripts."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from distribution.offers.claim import claim_offer
from tests.browser.chromium import barriers, watched
from tests.browser.portal_person import ON_A_PHONE, enter
from tests.browser.product import serve_product
from tests.support.factories import EnrollmentFactory, PortalUserFactory
from tests.support.listening import stream_server_at
from tests.support.portal_scene import PortalScene, build_portal_scene, open_another
from tests.support.ports import free_port


@pytest.fixture
def scene(committed_db: None) -> PortalScene:  # noqa: ARG001
    return build_portal_scene()


@contextmanager
def serve_with_streams(directory: Path) -> Iterator[tuple[str, ExitStack]]:
    """As `make up` does: streams on a port of their own. Close what is yielded to stop the streams."""
    port = free_port()
    streams = {"LEADSWITCH_STREAMS_URL": f"http://127.0.0.1:{port}"}
    with serve_product(log_file=directory / "web.log", **streams) as address, ExitStack() as running:
        running.enter_context(
            stream_server_at(port, directory, "streams", {"LEADSWITCH_STREAM_ORIGINS": address})
        )
        yield address, running


def test_offer_opens_and_closes_by_the_stream(scene: PortalScene, browser: Browser, tmp_path: Path) -> None:
    rival = EnrollmentFactory(campaign=scene.offer.campaign, buyer__credits_cents=10_000).buyer
    with (
        serve_with_streams(tmp_path) as (address, _),
        watched(browser, address, **ON_A_PHONE) as (context, watch),
    ):
        page = context.new_page()
        enter(page, scene.user, address)
        page.goto("/portal/offers/")
        expect(page.locator("[data-by=stream]")).to_be_visible()
        expect(page.get_by_text("Live: changes show at once.")).to_be_visible()
        offer = open_another(scene)
        row = page.locator(f"li[data-key='{offer.public_id}']")
        expect(row.get_by_role("button", name="Claim for $25.00")).to_be_enabled()
        claim_offer(offer.public_id, buyer_id=rival.pk)
        expect(row.get_by_role("button")).to_be_disabled()
        expect(row.get_by_role("button")).to_have_text("Taken by another buyer")
        assert barriers(page) == []
        watch.check()


def test_page_of_an_offer_closes_by_the_stream(scene: PortalScene, browser: Browser, tmp_path: Path) -> None:
    rival = EnrollmentFactory(campaign=scene.offer.campaign, buyer__credits_cents=10_000).buyer
    offer = open_another(scene)
    with (
        serve_with_streams(tmp_path) as (address, _),
        watched(browser, address, **ON_A_PHONE) as (context, watch),
    ):
        page = context.new_page()
        enter(page, scene.user, address)
        page.goto(f"/portal/offers/{offer.public_id}/")
        expect(page.locator("[data-by=stream]")).to_be_visible()
        claim_offer(offer.public_id, buyer_id=rival.pk)
        expect(page.get_by_role("button")).to_have_count(0)
        expect(page.get_by_text("taken by others")).to_be_visible()
        watch.check()


def test_page_asks_when_the_stream_breaks_and_listens_again(
    scene: PortalScene, browser: Browser, tmp_path: Path
) -> None:
    with (
        serve_with_streams(tmp_path) as (address, streams),
        watched(browser, address, **ON_A_PHONE) as (context, _),
    ):
        page = context.new_page()
        enter(page, scene.user, address)
        page.goto("/portal/offers/")
        expect(page.locator("[data-by=stream]")).to_be_visible()
        port = urlsplit(page.locator("[data-stream]").get_attribute("data-stream") or "").port or 0
        streams.close()
        expect(page.locator("[data-by=poll]")).to_be_visible()
        offer = open_another(scene)
        expect(page.locator(f"li[data-key='{offer.public_id}']")).to_be_visible()
        with stream_server_at(port, tmp_path, "again", {"LEADSWITCH_STREAM_ORIGINS": address}):
            expect(page.locator("[data-by=stream]")).to_be_visible()


def test_page_asks_where_no_stream_is_served(scene: PortalScene, browser: Browser, address: str) -> None:
    with watched(browser, address, **ON_A_PHONE) as (context, watch):
        page = context.new_page()
        enter(page, scene.user, address)
        page.goto("/portal/offers/")
        expect(page.locator("[data-by=poll]")).to_be_visible()
        expect(page.get_by_text("Changes show within 2 seconds.")).to_be_visible()
        offer = open_another(scene)
        row = page.locator(f"li[data-key='{offer.public_id}']")
        expect(row).to_be_visible()
        claim_offer(offer.public_id, buyer_id=scene.buyer.pk)
        expect(row.get_by_role("button")).to_be_disabled()
        watch.check()


def test_offers_work_without_scripts(scene: PortalScene, browser: Browser, address: str) -> None:
    with watched(browser, address, java_script_enabled=False, **ON_A_PHONE) as (context, watch):
        page = context.new_page()
        enter(page, PortalUserFactory(buyer=scene.buyer), address)
        page.goto("/portal/offers/")
        expect(page.get_by_text("Load this page again to see new offers.")).to_be_visible()
        offer = open_another(scene)
        page.reload()
        row = page.locator(f"li[data-key='{offer.public_id}']")
        row.get_by_role("button", name="Claim for $25.00").click()
        expect(page.get_by_role("status")).to_have_text("The lead is yours. Call now.")
        watch.check()

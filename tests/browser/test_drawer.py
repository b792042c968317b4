"""An operator reads why a lead was not sold, corrects the cause, and runs the lead again.

View-only staff cannot act.
"""

import re

import pytest
from playwright.sync_api import Page, expect

from distribution.attempts.distribute import distribute_lead
from distribution.models import LedgerEntry, Wallet
from routing.models import Lead, LeadStatus
from tests.browser.chromium import PHONE, barriers
from tests.browser.conftest import OpenAs
from tests.browser.scene import Scene, build_scene
from tests.browser.steps import confirm
from tests.support.admin_pages import lead_title, person
from tests.support.admin_pages import page as path_of

LEADS = "/admin/routing/lead/"


def open_drawer(page: Page) -> None:
    page.goto(LEADS)
    page.get_by_test_id("trace-open").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("trace-head")).to_be_visible()


def find_buyer(page: Page, name: str) -> None:
    """Type in the search of the skipped buyers and open the one that is left: what would have to change."""
    page.get_by_test_id("trace-search").fill(name)
    rows = page.get_by_test_id("trace-row").filter(visible=True)
    expect(rows).to_have_count(1)
    rows.get_by_test_id("trace-remedy-open").click()
    expect(page.get_by_test_id("trace-remedy")).to_be_visible()


def test_why_a_buyer_did_not_get_a_lead(open_as: OpenAs) -> None:
    scene = build_scene()
    page = open_as(person("operator", scene.lead.workspace))
    open_drawer(page)

    expect(page.get_by_test_id("trace-drawer").locator("h2")).to_have_text(f"Trace: {lead_title(scene.lead)}")
    expect(page.get_by_test_id("trace-campaign")).to_have_text("Roofing in Sunbelt Leads")
    expect(page.get_by_test_id("trace-attempt")).to_have_attribute("data-attempt", "2")
    expect(page).to_have_url(re.compile(str(scene.lead.public_id)))
    find_buyer(page, "peachtree")
    expect(page.get_by_test_id("trace-row").filter(visible=True)).to_contain_text("$25.00")
    expect(page.get_by_test_id("remedy-fix")).to_contain_text("top up $25.00")

    page.keyboard.press("Escape")
    expect(page.get_by_test_id("trace-drawer")).to_be_hidden()
    expect(page.get_by_test_id("trace-open")).to_be_focused()
    expect(page).not_to_have_url(re.compile("trace="))


def test_attempts_are_switched_with_the_keyboard(open_as: OpenAs) -> None:
    scene = build_scene()
    page = open_as(person("viewer", scene.lead.workspace))
    page.goto(f"{LEADS}?trace={scene.lead.public_id}")

    page.get_by_test_id("trace-tab-2").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_test_id("trace-attempt")).to_have_attribute("data-attempt", "1")
    expect(page.get_by_test_id("trace-tab-1")).to_be_focused()
    expect(page.get_by_test_id("trace-skipped")).to_contain_text("Outside its hours")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_test_id("trace-attempt")).to_have_attribute("data-attempt", "2")
    expect(page.get_by_test_id("trace-skipped")).to_contain_text("paused")


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_drawer_is_accessible(open_as: OpenAs, size: str) -> None:
    scene = build_scene()
    options = {"viewport": PHONE, "is_mobile": True} if size == "phone" else {}
    page = open_as(person("viewer", scene.lead.workspace), **options)
    page.goto(f"{LEADS}?trace={scene.lead.public_id}")
    find_buyer(page, "Lone Star")

    drawer = page.get_by_test_id("trace-drawer")
    assert drawer.evaluate("each => each.scrollWidth <= each.clientWidth")
    assert barriers(page) == []


def top_up(page: Page, scene: Scene, dollars: str) -> None:
    wallet = Wallet.objects.get(buyer=scene.broke)
    page.goto(path_of(Wallet, "change", wallet.pk))
    page.get_by_role("link", name="Top up").click()
    page.get_by_label("Amount").fill(dollars)
    confirm(page, "paid by transfer", "Top up")


def test_wallet_is_topped_up_and_the_lead_tried_again(open_as: OpenAs) -> None:
    scene = build_scene()
    top_up(open_as(person("finance", scene.lead.workspace)), scene, "50")
    assert [entry.amount_cents for entry in LedgerEntry.objects.filter(wallet__buyer=scene.broke)] == [5_000]

    page = open_as(person("operator", scene.lead.workspace))
    page.goto(path_of(Lead, "change", scene.lead.pk))
    page.get_by_role("link", name="Run again").click()
    confirm(page, "the buyer has paid", "Run again")
    distribute_lead(scene.lead.pk)  # what the worker does that was woken
    page.goto(path_of(Lead, "change", scene.lead.pk))

    expect(page.get_by_test_id("trace-tab-3")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_test_id("trace-sale")).to_contain_text("Sold to Peachtree Roofing for $25.00")
    assert Lead.objects.get(pk=scene.lead.pk).status == LeadStatus.DISTRIBUTED


def test_viewer_can_look_but_not_act(open_as: OpenAs) -> None:
    scene = build_scene()
    wallet = Wallet.objects.get(buyer=scene.broke)
    refused = [f"{LEADS}act/rerun/", f"/admin/distribution/wallet/{wallet.pk}/money/topup/"]
    page = open_as(person("viewer", scene.lead.workspace), refused=[(403, path) for path in refused])

    page.goto(path_of(Lead, "change", scene.lead.pk))
    expect(page.get_by_test_id("trace-head")).to_be_visible()
    expect(page.get_by_role("link", name="Run again")).to_have_count(0)
    for path in refused:
        page.goto(f"{path}?ids={scene.lead.pk}")
        expect(page.locator("body")).to_contain_text("403")

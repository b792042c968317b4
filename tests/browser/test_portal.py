"""The portal of a buyer, on a phone: signing in, the pages, and how accessible they are."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from distribution.buyers.portal_links import make_link_token
from distribution.models import Campaign, Enrollment, ReturnRequest
from distribution.offers.claim import claim_offer
from tests.browser.chromium import barriers
from tests.browser.conftest import OpenAs
from tests.browser.portal_person import ON_A_PHONE, enter
from tests.browser.sizes import SIZES, overflows
from tests.support.factories import EnrollmentFactory, PortalUserFactory
from tests.support.portal_scene import PortalScene, build_portal_scene, list_pages, open_another

SHOTS = Path(__file__).resolve().parents[2] / "var" / "screenshots" / "portal"


@pytest.fixture
def scene(committed_db: None) -> PortalScene:  # noqa: ARG001
    return build_portal_scene()


@pytest.mark.parametrize("size", SIZES)
def test_every_page_fits_and_is_accessible(
    size: str, scene: PortalScene, open_as: OpenAs, address: str
) -> None:
    PortalUserFactory(email=scene.user.email, buyer__name="Birch Roofing")
    page = open_as(None, **SIZES[size])
    enter(page, scene.user, address)
    for name, path in [*list_pages(scene).items(), ("sign-in", "/portal/sign-in/")]:
        answer = page.goto(path)
        assert answer is not None
        assert (answer.status, page.url) == (200, f"{address}{path}"), path
        assert not overflows(page), path
        assert barriers(page) == [], path
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.screenshot(path=SHOTS / size / scheme / f"{name}.png", full_page=True)


@pytest.mark.parametrize("has_submitter", [True, False], ids=["new", "Safari before 15.4"])
def test_form_that_is_refused_keeps_the_chosen_file(
    scene: PortalScene, open_as: OpenAs, address: str, *, has_submitter: bool
) -> None:
    form = f"/portal/leads/{scene.sold.public_id}/return/"
    page = open_as(None, refused=[(400, form)], **ON_A_PHONE)
    if not has_submitter:
        page.add_init_script("delete SubmitEvent.prototype.submitter")
    enter(page, scene.user, address)
    page.goto(form)
    page.get_by_label("Evidence").fill("I called on Monday at 2 PM: not in service.")
    page.get_by_label("File").set_input_files(
        {"name": "call.txt", "mimeType": "text/plain", "buffer": b"not in service"}
    )
    with page.expect_response(lambda answer: answer.status == 400):
        page.get_by_role("button", name="Ask for a return").click()
    expect(page.locator(".wrong .error")).to_be_visible()
    expect(page.get_by_text("Choose the file again")).to_have_count(0)
    page.get_by_label("Why do you return it?").select_option("bad_phone")
    page.get_by_role("button", name="Ask for a return").click()
    expect(page.get_by_role("status")).to_contain_text("Your return request was sent.")
    assert ReturnRequest.objects.latest("pk").files.get().name == "call.txt"


def open_with_file(page: Page, form: str) -> list[str]:
    """The form with a file. Returns the list that each request with the form is added to."""
    page.goto(form)
    page.get_by_label("Why do you return it?").select_option("bad_phone")
    page.get_by_label("Evidence").fill("I called on Monday at 2 PM: not in service.")
    page.get_by_label("File").set_input_files(
        {"name": "call.txt", "mimeType": "text/plain", "buffer": b"not in service"}
    )
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    return sent


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, "<title>Broken</title><h1>Something failed</h1>"),
        (502, "Something failed"),
        (409, "<title>Broken</title><main><h1>Something failed</h1></main>"),
    ],
    ids=["html", "text", "page"],
)
def test_answer_without_the_form_is_shown_and_nothing_is_sent_twice(
    status: int, body: str, scene: PortalScene, open_as: OpenAs, address: str
) -> None:
    form = f"/portal/leads/{scene.sold.public_id}/return/"
    page = open_as(None, refused=[(status, form)], **ON_A_PHONE)
    enter(page, scene.user, address)
    sent = open_with_file(page, form)
    page.route(f"**{form}", lambda route: route.fulfill(status=status, body=body, content_type="text/html"))
    page.get_by_role("button", name="Ask for a return").click()
    expect(page.get_by_text("Something failed")).to_be_visible()
    expect(page.get_by_label("File")).to_have_count(0)
    assert len(sent) == 1


def test_form_is_sent_by_the_browser_if_no_answer_came(
    scene: PortalScene, open_as: OpenAs, address: str
) -> None:
    form = f"/portal/leads/{scene.sold.public_id}/return/"
    page = open_as(None, **ON_A_PHONE)
    enter(page, scene.user, address)
    sent = open_with_file(page, form)
    page.route(f"**{form}", lambda route: route.abort(), times=1)
    page.get_by_role("button", name="Ask for a return").click()
    expect(page.get_by_role("status")).to_contain_text("Your return request was sent.")
    assert len(sent) == 2
    assert ReturnRequest.objects.latest("pk").files.get().name == "call.txt"


def test_journey_on_a_phone(scene: PortalScene, open_as: OpenAs) -> None:
    """Sign in by link, see what was missed and why, change a cap, call a lead, ask for a return, sign out."""
    page = open_as(None, **ON_A_PHONE)
    token = make_link_token(scene.user.email, at=datetime.now(UTC))
    page.goto(f"/portal/enter/{token}/")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Active")).to_be_visible()

    page.get_by_role("link", name="Missed", exact=True).click()
    page.locator(".rows a").first.click()
    expect(page.get_by_text("With all of these changes, Atlas Roofing would have gotten")).to_be_visible()

    page.get_by_role("link", name="More", exact=True).click()
    page.get_by_role("link", name="Settings", exact=True).click()
    page.get_by_role("link", name="Caps, budgets and bid of Roofing Georgia").click()
    page.get_by_label("Leads per day").fill("25")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("Your change was saved.")
    expect(page.get_by_label("Leads per day")).to_have_value("25")

    page.get_by_role("link", name="Leads", exact=True).click()
    page.get_by_role("link", name="Grace Hopper 0").click()
    expect(page.get_by_role("link", name="(404) 555-0120")).to_have_attribute("href", "tel:+14045550120")
    page.get_by_role("link", name="Ask for a return").click()
    page.get_by_label("Why do you return it?").select_option("bad_phone")
    page.get_by_label("Evidence").fill("I called on Monday at 2 PM: not in service.")
    page.get_by_label("File").set_input_files(
        {"name": "call.txt", "mimeType": "text/plain", "buffer": b"not in service"}
    )
    page.get_by_role("button", name="Ask for a return").click()
    expect(page.get_by_role("status")).to_contain_text("Your return request was sent.")
    expect(page.get_by_text("call.txt")).to_be_visible()
    request = ReturnRequest.objects.latest("pk")
    assert (request.assignment_id, request.requested_by) == (scene.sold.pk, "portal Dana Price")

    page.get_by_role("link", name="More", exact=True).click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("status")).to_have_text("You are signed out.")
    page.goto("/portal/leads/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_refused_form_says_what_is_wrong_beside_the_field(
    scene: PortalScene, open_as: OpenAs, address: str
) -> None:
    path = f"/portal/settings/campaigns/{scene.campaign.public_id}/"
    page = open_as(None, refused=[(400, path), (404, "/portal/leads/0/")], **ON_A_PHONE)
    enter(page, scene.user, address)
    page.goto(path)
    page.get_by_label("Leads per day").fill("-1")
    page.get_by_role("button", name="Save").click()
    field = page.get_by_label("Leads per day")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text("Nothing was saved. Correct what is marked below.")).to_be_visible()
    assert barriers(page) == []
    page.goto("/portal/leads/0/")
    page.get_by_role("link", name="Go to the first page").click()
    expect(page.get_by_role("heading", name="Active")).to_be_visible()


def test_new_offer_appears_by_itself_and_is_claimed(
    scene: PortalScene, open_as: OpenAs, address: str
) -> None:
    """The winner sees the contact details, and the loser how much too late the claim was."""
    rival = EnrollmentFactory(campaign=scene.offer.campaign, buyer__credits_cents=10_000).buyer
    claim_offer(scene.offer.public_id, buyer_id=scene.buyer.pk)
    page = open_as(None, **ON_A_PHONE)
    enter(page, scene.user, address)
    page.goto("/portal/offers/")
    expect(page.get_by_text("No offer is open now.")).to_be_visible()

    offer = open_another(scene)
    page.locator(f"[data-key='{offer.public_id}'] a").click()
    late = open_as(None, refused=[(409, f"/portal/offers/{offer.public_id}/")], **ON_A_PHONE)
    enter(late, PortalUserFactory(buyer=rival), address)
    late.goto(page.url)
    page.get_by_role("button", name="Claim for $25.00").click()
    expect(page.get_by_role("status")).to_have_text("The lead is yours. Call now.")
    expect(page.get_by_role("link", name="(404) 555-0126")).to_be_visible()

    late.get_by_role("button", name="Claim for $25.00").click()
    expect(late.get_by_role("alert")).to_contain_text("Taken: another buyer claimed this lead")
    assert barriers(late) == []


def test_day_of_a_roofer_on_a_phone(scene: PortalScene, open_as: OpenAs) -> None:
    """Sign in, see an offer appear, claim it, return it, see why another was missed, change what that advises."""
    claim_offer(scene.offer.public_id, buyer_id=scene.buyer.pk)
    page = open_as(None, **ON_A_PHONE)
    page.goto(f"/portal/enter/{make_link_token(scene.user.email, at=datetime.now(UTC))}/")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Balance")).to_be_visible()
    assert barriers(page) == []

    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Offers").click()
    expect(page.get_by_text("No offer is open now.")).to_be_visible()
    offer = open_another(scene)
    row = page.locator(f"li[data-key='{offer.public_id}']")
    expect(row.locator("[data-seconds-left]")).to_contain_text("left")
    expect(page.locator("[data-moved]")).to_have_count(0)  # a press while the list moves does not count
    row.get_by_role("button", name="Claim for $25.00").click()
    expect(page.get_by_role("status")).to_have_text("The lead is yours. Call now.")
    expect(page.get_by_role("link", name="(404) 555-0126")).to_be_visible()
    assert barriers(page) == []

    page.get_by_role("link", name="Ask for a return").click()
    page.get_by_label("Why do you return it?").select_option("bad_phone")
    page.get_by_label("Evidence").fill("Not in service.")
    page.get_by_role("button", name="Ask for a return").click()
    expect(page.get_by_role("status")).to_contain_text("Your return request was sent.")

    page.get_by_role("link", name="Missed", exact=True).click()
    page.locator(".rows a").first.click()
    page.get_by_role("link", name="Change the area").click()
    page.locator("[name=states]").fill("GA, TX")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("Your change was saved.")
    scene.buyer.refresh_from_db()
    assert "TX" in scene.buyer.service_area["states"]


def test_missed_filter_is_changed_on_a_phone(scene: PortalScene, open_as: OpenAs, address: str) -> None:
    """The missed lead links to the filter of its campaign, and the lines are large enough to fill in."""
    path = f"/portal/settings/campaigns/{scene.campaign.public_id}/filter/"
    page = open_as(None, **ON_A_PHONE)
    enter(page, scene.user, address)
    page.goto(path)
    page.get_by_label("Field of line 2").select_option("state")
    page.get_by_label("Value of line 2").fill("GA, TN")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("Your change was saved.")
    place = Enrollment.objects.get(campaign=Campaign.objects.get(pk=scene.campaign.pk), buyer=scene.buyer)
    assert place.lead_filter["all"][1] == {"field": "state", "op": "in", "value": ["GA", "TN"]}

"""A call followed in the admin: the lead waits, is called, is verified, and is sold. And that the pages fit."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import expect

from distribution.attempts.distribute import distribute_lead
from distribution.calls.states import Said
from distribution.models import (
    BlockedPhone,
    Call,
    CallingHours,
    CallPolicy,
    CarrierAccount,
    Channel,
    Verification,
)
from routing.models import Lead
from tests.browser.call_screens import build_office, call_pages, gate_lead, make_calls, place_call, say
from tests.browser.chromium import barriers
from tests.browser.conftest import OpenAs
from tests.browser.sizes import SIZES, overflows
from tests.support.admin_pages import page as path_of
from tests.support.admin_pages import person

pytestmark = pytest.mark.usefixtures("committed_db")
LISTS = (CarrierAccount, Channel, Call, Verification, BlockedPhone, CallPolicy, CallingHours)


def test_call_is_followed_from_the_gate_to_the_sale(open_as: OpenAs) -> None:
    _, source, channel = build_office()
    lead, at = gate_lead(source), timezone.now() - timedelta(minutes=1)
    page = open_as(person("operator", source.workspace))
    page.goto(f"{path_of(Verification, 'changelist')}?open=1")
    page.locator("#result_list a", has_text="UTC").or_(page.locator("#result_list th a")).first.click()
    expect(page.locator(".field-next_step")).to_contain_text("The next call has been due since")

    call = place_call(lead, channel, at=at)
    say(call, Said(status="ringing"), at=at)
    page.goto(path_of(Lead, "change", lead.pk))
    panel = page.get_by_test_id("trace-verification")
    expect(panel.get_by_test_id("verification-state")).to_have_text("Being called")
    expect(panel.get_by_test_id("verification-calls")).to_contain_text("The phone rings.")
    lines = f"{path_of(Channel, 'change', channel.pk).removesuffix('change/')}lines/"
    page.goto(lines)
    expect(page.get_by_test_id("open-call")).to_have_count(1)

    said = (Said(status="in-progress", answered_by="human"), Said(key="1"))
    say(call, *said, Said(status="completed", duration_seconds=21), at=at + timedelta(seconds=6))
    expect(page.get_by_test_id("no-open-calls")).to_be_visible()  # without a reload
    page.goto(path_of(Call, "change", call.pk))
    story = page.get_by_test_id("call-story")
    for sentence in (
        "Call 1 over Atlanta line is being placed.",
        "The phone rings.",
        "The person pressed 1.",
    ):
        expect(story).to_contain_text(sentence)
    expect(story).to_contain_text("The call ended after 21 s: the person confirmed the request.")

    assert distribute_lead(lead.pk).result == "success"
    page.goto(path_of(Lead, "change", lead.pk))
    expect(page.get_by_test_id("trace-sale")).to_contain_text("Clearview Windows")
    expect(panel.get_by_test_id("verification-state")).to_have_text("Verified")
    panel.get_by_test_id("verification-story").locator("summary").click()
    expect(panel).to_contain_text("The person was verified in the call.")
    assert barriers(page) == []


def test_person_is_verified_by_hand_from_the_list_of_leads_that_wait(open_as: OpenAs) -> None:
    _, source, _ = build_office()
    lead = gate_lead(source)
    page = open_as(person("operator", source.workspace))
    page.goto(path_of(Verification, "change", Verification.objects.get().pk))

    page.get_by_role("link", name="Verify by hand").click()
    expect(page.get_by_label("Why")).to_be_focused()
    page.get_by_label("Why").fill("spoke to the person")
    page.get_by_role("button", name="Verify by hand").click()

    expect(page.locator(".messagelist .success")).to_contain_text("The lead was verified by hand")
    lead.refresh_from_db()
    assert (lead.status, lead.verification) == ("pending", "hand")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_pages_fit_and_have_no_barriers(open_as: OpenAs, size: str, scheme: str) -> None:
    make_calls()
    page = open_as(User.objects.create_superuser("root"), color_scheme=scheme, **SIZES[size])
    pages = {model.__name__: path_of(model, "changelist") for model in LISTS} | call_pages()
    wide, blocked = [], {}
    for name, path in pages.items():
        page.goto(path)
        if overflows(page):
            wide.append(name)
        if found := barriers(page):
            blocked[name] = found
    assert wide == []
    assert blocked == {}

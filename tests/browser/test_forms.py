"""An operator at a form: what is typed is checked before it is saved; deleting asks why."""

import json
from typing import Any

from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect

from distribution.configuration.coverage import measure_coverage
from distribution.models import Buyer, Tier
from tests.browser.chromium import PHONE, barriers
from tests.browser.conftest import OpenAs
from tests.support.admin_pages import page as path_of
from tests.support.admin_pages import person
from tests.support.factories import BuyerFactory, TierFactory
from tracing.models import AuditEntry

WRONG = '{"all": [{"field": "zip", "op": "exists"}, {"field": "stat", "op": "eq", "value": "GA"}]}'
RIGHT = WRONG.replace('"stat"', '"state"')


def description_of(page: Page, field: str) -> Locator:
    """The text under a field as a screen reader announces it: through the field's own description."""
    control = page.locator(f"#id_{field}")
    described = (control.get_attribute("aria-describedby") or "").split()
    return page.locator(f"#{described[-1]}")


def test_wrong_condition_is_explained_while_typed(open_as: OpenAs) -> None:
    tier = TierFactory.create(content_filter={})
    page = open_as(person("operator", tier.campaign.workspace))
    page.goto(path_of(Tier, "change", tier.pk))
    field = page.get_by_label("Content filter")
    field.fill(WRONG)

    words = description_of(page, "content_filter")
    expect(words).to_have_attribute("role", "status")
    expect(words).to_have_text("all[1].field: unknown field 'stat': did you mean 'state'?")
    expect(field).to_have_attribute("aria-invalid", "true")
    assert barriers(page) == []

    field.fill(RIGHT)
    expect(words).to_have_text("Valid: reads as “zip is given and state is GA”.")
    expect(field).not_to_have_attribute("aria-invalid", "true")
    assert barriers(page) == []
    tier.refresh_from_db()
    assert tier.content_filter == {}

    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".messagelist")).to_contain_text("changed successfully")
    tier.refresh_from_db()
    assert tier.content_filter["all"][1] == {"field": "state", "op": "eq", "value": "GA"}


def test_typed_value_is_explained_by_keyboard_and_on_a_phone(open_as: OpenAs) -> None:
    """A stored condition is read out when its field is entered; every key asks again, the last one counts."""
    tier = TierFactory.create(content_filter={"field": "state", "op": "eq", "value": "GA"})
    page = open_as(User.objects.create_superuser("root"), viewport=PHONE, color_scheme="dark")
    page.goto(path_of(Tier, "change", tier.pk))
    page.get_by_label("Name").focus()
    page.keyboard.press("Tab")

    words = description_of(page, "content_filter")
    expect(page.get_by_label("Content filter")).to_be_focused()
    expect(words).to_have_text("Valid: reads as “state is GA”.")
    page.keyboard.press("Control+A")
    page.keyboard.type('{"field": "state", "op": "eq", "value": "AL"}')
    expect(words).to_have_text("Valid: reads as “state is AL”.")
    width: Any = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert width <= 0


def test_area_is_drawn_as_it_is_typed(open_as: OpenAs) -> None:
    buyer = BuyerFactory.create(service_area={"states": ["TX"]})
    page = open_as(User.objects.create_superuser("root"))
    page.goto(path_of(Buyer, "change", buyer.pk))
    fulton = {"counties": ["GA:Fulton County"]}
    coverage = measure_coverage(fulton)
    zips = coverage.zips
    page.get_by_role("textbox", name="Service area").fill(json.dumps(fulton))

    beside = page.locator(".form-row.field-service_area .admin-typed")
    expect(beside.get_by_role("status")).to_have_text(f"Valid: covers {zips} ZIPs.")
    expect(beside.get_by_role("img", name="Map of the covered ZIPs")).to_be_visible()
    name, main_zips = coverage.counties[0]
    expect(beside.get_by_role("listitem").first).to_have_text(f"{name}: {main_zips}")
    assert barriers(page) == []

    page.get_by_role("textbox", name="Service area").fill('{"counties": ["Fulton County"]}')
    expect(beside.get_by_role("status")).to_contain_text(
        "counties[0]: 'Fulton County' must be a state and a county"
    )
    expect(beside.get_by_role("img")).to_have_count(0)
    expect(page.locator(".field-coverage")).to_contain_text(", TX")


def test_server_that_does_not_answer_is_reported(open_as: OpenAs) -> None:
    tier = TierFactory.create(content_filter={})
    page = open_as(User.objects.create_superuser("root"))
    page.goto(path_of(Tier, "change", tier.pk))
    page.route("**/check/**", lambda route: route.abort())
    page.get_by_label("Content filter").fill(RIGHT)

    expect(description_of(page, "content_filter")).to_have_text(
        "This could not be checked right now. Save to check it."
    )
    page.unroute("**/check/**")
    page.get_by_label("Content filter").fill(f"{RIGHT} ")
    expect(description_of(page, "content_filter")).to_contain_text("Valid: ")


def test_deletion_requires_a_reason(open_as: OpenAs) -> None:
    tier = TierFactory.create(name="Gold")
    url = path_of(Tier, "delete", tier.pk)
    page = open_as(person("operator", tier.campaign.workspace), refused=[(400, url)])
    page.goto(path_of(Tier, "change", tier.pk))
    page.get_by_role("link", name="Delete").click()
    expect(page.get_by_label("Why")).to_be_focused()
    assert barriers(page) == []

    page.get_by_role("button", name="Delete").click()
    expect(page.locator(".errorlist")).to_have_text("This field is required.")
    assert Tier.objects.filter(pk=tier.pk).exists()

    page.get_by_label("Why").fill("Sold out for the season")
    page.get_by_role("button", name="Delete").click()
    expect(page.locator(".messagelist")).to_contain_text("deleted successfully")
    assert not Tier.objects.exists()
    entry = AuditEntry.objects.get()
    label = f"Gold of {tier.campaign.name} ({tier.campaign.workspace.name})"
    assert (entry.action, entry.object_label, entry.reason) == ("deleted", label, "Sold out for the season")
    assert entry.before["name"] == "Gold"

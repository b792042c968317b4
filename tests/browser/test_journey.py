"""An operator with a browser: logs in, finds a lead that was not sold, reads why."""

import re

from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenAs
from tests.browser.scene import Scene, build_scene
from tracing.wording import short_id

PASSWORD = "a long and unusual password"


def log_in(page: Page, name: str) -> None:
    page.goto("/admin/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def find_lead(page: Page, text: str) -> None:
    page.get_by_role("link", name="Leads", exact=True).first.click()
    page.locator("#searchbar").fill(text)
    page.locator("#searchbar").press("Enter")
    expect(page.locator("#result_list tbody tr")).to_have_count(1)


def open_lead(page: Page, scene: Scene) -> None:
    page.locator("#result_list").get_by_role("link", name=short_id(scene.lead.public_id), exact=True).click()
    expect(page).to_have_url(re.compile(rf"/admin/routing/lead/{scene.lead.pk}/change/"))


def test_operator_logs_in_finds_a_lead_and_reads_its_story(open_as: OpenAs) -> None:
    scene = build_scene()
    User.objects.create_superuser("root", password=PASSWORD)
    page = open_as(None)
    log_in(page, "root")
    find_lead(page, "(404) 555-0123")
    open_lead(page, scene)

    for buyer in (scene.broke, scene.distant, scene.asleep):
        expect(page.locator("#content")).to_contain_text(buyer.name)


def test_wrong_password_is_refused_in_words(open_as: OpenAs) -> None:
    User.objects.create_superuser("root", password="another long password")
    page = open_as(None)
    log_in(page, "root")

    expect(page.get_by_role("alert").or_(page.locator(".errornote"))).to_contain_text("correct username")

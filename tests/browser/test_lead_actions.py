"""An operator assigns, pauses, resumes and cancels leads, and a real worker tries one again."""

from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import Page, expect

from distribution.models import Assignment, Wallet
from routing.models import Lead, LeadStatus
from tests.browser.conftest import OpenAs
from tests.browser.scene import build_scene
from tests.browser.steps import confirm, press_on_lead
from tests.support.admin_pages import page as path_of
from tests.support.admin_pages import person
from tests.support.factories import LeadFactory, give_credits
from tests.support.processes import WORKER, celery
from tests.support.waiting import wait_until
from tracing.models import AuditEntry

if TYPE_CHECKING:
    import redis

LEADS = "/admin/routing/lead/"


def buttons(page: Page) -> list[str]:
    return page.locator(".admin-button").all_text_contents()


def audited(lead: Lead) -> list[tuple[str, str]]:
    """The audit entries of the lead: action and reason, oldest first."""
    entries = AuditEntry.objects.filter(object_id=str(lead.pk)).order_by("pk")
    return list(entries.values_list("action", "reason"))


def test_lead_is_assigned_by_hand(open_as: OpenAs) -> None:
    scene = build_scene()
    page = open_as(person("operator", scene.lead.workspace))
    press_on_lead(page, scene.lead, "Assign to a buyer")
    row = page.get_by_test_id("assign-buyer").filter(has_text=scene.distant.name)
    expect(row).to_contain_text("$25.00")
    expect(row).to_contain_text("Outside its service area")
    row.get_by_role("link", name="Choose").click()
    expect(page.get_by_label("Why")).to_be_focused()
    expect(page.locator("#content-main")).to_contain_text("Its balance goes from $100.00 to $75.00.")
    confirm(page, "promised on the phone", "Assign and charge $25.00")

    expect(page.get_by_test_id("trace-sale")).to_contain_text("Sold to Lone Star Roofing for $25.00")
    expect(page.get_by_test_id("trace-tab-3")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_test_id("trace-selected")).to_contain_text(
        "An operator chose it despite: outside its service area"
    )
    page.goto(path_of(Assignment, "changelist"))
    expect(page.locator("#result_list tbody tr")).to_have_count(1)
    expect(page.locator("#result_list tbody tr")).to_contain_text("Lone Star Roofing")
    assert Wallet.objects.get(buyer=scene.distant).balance_cents == 7_500
    assert audited(scene.lead) == [("assign", "promised on the phone")]


def test_lead_is_paused_and_resumed(open_as: OpenAs) -> None:
    scene = build_scene()
    lead = LeadFactory.create(source=scene.source)
    page = open_as(person("operator", scene.lead.workspace))
    press_on_lead(page, lead, "Pause")
    confirm(page, "a doubt about the phone number", "Pause")

    expect(page.locator(".field-state_now")).to_contain_text("paused")
    assert buttons(page) == ["Resume", "Cancel", "Assign to a buyer"]
    page.goto(f"{LEADS}?paused=yes")
    expect(page.locator("#result_list tbody tr")).to_have_count(1)

    press_on_lead(page, lead, "Resume")
    confirm(page, "it was right", "Resume")
    expect(page.locator(".field-state_now")).not_to_contain_text("paused")
    lead.refresh_from_db()
    assert (lead.status, lead.paused_at) == (LeadStatus.PENDING, None)
    assert audited(lead) == [("pause", "a doubt about the phone number"), ("resume", "it was right")]


def test_lead_is_canceled_for_a_reason_and_not_without(open_as: OpenAs) -> None:
    scene = build_scene()
    lead = LeadFactory.create(source=scene.source)
    page = open_as(person("operator", scene.lead.workspace), refused=[(400, f"{LEADS}act/cancel/")])
    press_on_lead(page, lead, "Cancel")
    expect(page.locator("#content")).to_contain_text("This cannot be undone")
    page.get_by_role("button", name="Cancel for good").click()
    expect(page.locator(".errorlist")).to_contain_text("This field is required")
    assert Lead.objects.get(pk=lead.pk).status == LeadStatus.PENDING

    confirm(page, "the person asked for it", "Cancel for good")
    expect(page.get_by_test_id("trace-status")).to_have_text("Canceled")
    expect(page.get_by_test_id("trace-head")).to_contain_text("Canceled: the person asked for it")
    assert buttons(page) == []
    assert Lead.objects.get(pk=lead.pk).status == LeadStatus.CANCELLED
    assert audited(lead) == [("cancel", "the person asked for it")]


def test_worker_tries_a_lead_again(open_as: OpenAs, redis_client: "redis.Redis[str]", tmp_path: Path) -> None:
    """The button's message goes through Redis to a worker as production starts it."""
    assert redis_client.ping()
    scene = build_scene()
    give_credits(scene.broke, amount_cents=5_000)
    page = open_as(person("operator", scene.lead.workspace))
    page.goto(f"{LEADS}?trace={scene.lead.public_id}")
    expect(page.get_by_test_id("trace-attempt")).to_have_attribute("data-attempt", "2")

    with celery(tmp_path, *WORKER) as worker:
        worker.wait_until_it_says("ready.")
        press_on_lead(page, scene.lead, "Run again")
        confirm(page, "the buyer has paid", "Run again")
        wait_until(lambda: is_sold(scene.lead), what="the worker's attempt")

    page.goto(f"{LEADS}?trace={scene.lead.public_id}")
    drawer = page.get_by_test_id("trace-drawer")
    expect(drawer.get_by_test_id("trace-attempt")).to_have_attribute("data-attempt", "3")
    expect(drawer.get_by_test_id("trace-attempt")).to_contain_text("re-run by an operator")
    expect(drawer.get_by_test_id("trace-sale")).to_contain_text("Sold to Peachtree Roofing for $25.00")


def is_sold(lead: Lead) -> bool:
    return Lead.objects.filter(pk=lead.pk, status=LeadStatus.DISTRIBUTED).exists()

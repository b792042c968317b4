"""An operator with a browser: makes a rule, sees a cycle refused, and tries a lead before anything comes in."""

from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from routing.models import Lead, RoutingRule, Workspace
from tests.browser.chromium import barriers
from tests.browser.conftest import OpenAs
from tests.support.admin_pages import page as path_of
from tests.support.factories import LeadFactory, RuleFactory, SourceFactory, WorkspaceFactory

GEORGIA = '{"field": "state", "op": "eq", "value": "GA"}'


def choose(page: Page, field: str, name: str) -> None:
    """In a box that searches while one types."""
    page.locator(f".field-{field} .select2-selection").click()
    page.locator(".select2-search__field").fill(name)
    page.locator(".select2-results__option", has_text=name).first.click()


def test_rule_is_made_and_tried(open_as: OpenAs) -> None:
    partner, agency = WorkspaceFactory(name="Leads and More"), WorkspaceFactory(name="Peachtree Roofing")
    RuleFactory(
        workspace=partner,
        name="Rich",
        priority=9,
        conditions={"field": "revenue", "op": "gte", "value": 1_000_000},
    )
    lead = LeadFactory(source=SourceFactory(workspace=partner))
    page = open_as(User.objects.create_superuser("root"))

    page.goto(path_of(RoutingRule, "add"))
    page.get_by_label("Name", exact=False).first.fill("Georgia roofs")
    choose(page, "workspace", partner.name)
    choose(page, "destination", agency.name)
    page.locator("#id_conditions").fill(GEORGIA)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".messagelist")).to_contain_text("was added successfully")

    page.get_by_role("link", name="Test a lead").click()
    page.get_by_label("Lead", exact=False).first.fill(str(lead.public_id))
    page.get_by_role("button", name="Test").click()

    expect(page.get_by_test_id("dry-run-result")).to_have_text("The lead would go to Peachtree Roofing.")
    rows = page.get_by_test_id("dry-run-rule")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("Requires revenue >= 1000000. The lead has no value.")
    expect(rows.nth(1)).to_contain_text("Matches: routed to Peachtree Roofing")
    assert barriers(page) == []
    assert (Lead.objects.get().workspace, Lead.objects.get().attempts) == (partner, 0)


def test_ring_is_refused_with_its_way(open_as: OpenAs) -> None:
    rule = RuleFactory(workspace__name="North", destination__name="South")
    back = RuleFactory(
        workspace=rule.destination, destination=Workspace.objects.get(name="North"), active=False
    )
    page = open_as(User.objects.create_superuser("root"))
    page.goto(path_of(RoutingRule, "change", back.pk))
    page.locator("#id_active").check()
    page.get_by_role("button", name="Save", exact=True).click()

    expect(page.locator(".field-destination .errorlist")).to_have_text(
        "This makes a cycle: South → North → South."
    )
    assert not RoutingRule.objects.get(pk=back.pk).active

"""The page "Health" in a browser: charts, tables, sizes, colors and accessibility."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from tests.browser.chromium import barriers
from tests.browser.conftest import OpenAs
from tests.browser.sizes import SIZES, overflows
from tests.support.attempts import add_many_attempts
from tests.support.factories import LeadFactory, SourceFactory, WorkspaceFactory
from tracing.reconcile import rollups

pytestmark = pytest.mark.usefixtures("committed_db", "redis_client")
URL = "/admin/health/"
CHARTS = ("results", "latency", "histogram", "expired")
# The share of a chart's pixels that are not transparent.
PAINTED = """holder => {
    const canvas = holder.querySelector("canvas");
    const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    return pixels.filter((value, at) => at % 4 === 3 && value > 0).length / (pixels.length / 4);
}"""
LOOKS: dict[str, dict[str, Any]] = {**SIZES, "dark": {**SIZES["desktop"], "color_scheme": "dark"}}


def fill() -> None:
    names = ("Sunbelt Home Services", "Lakeside Leads and Partners of the Great Lakes", "Desert Air")
    workspaces = [WorkspaceFactory.create(name=name) for name in names]
    add_many_attempts(timezone.now(), workspace_ids=[each.pk for each in workspaces])
    source = SourceFactory(workspace=workspaces[0])
    for _ in range(3):
        due_at = timezone.now() - timedelta(minutes=3)
        LeadFactory(source=source, next_attempt_at=due_at, attempts=1, skip_reason="database_timeout")
    rollups.run(fix=True, limit=10_000)


def open_page(open_as: OpenAs, **options: Any) -> Page:
    page = open_as(User.objects.create_superuser("root"), **options)
    page.goto(f"{URL}?window=7d")
    expect(page.locator("[data-chart] canvas")).to_have_count(len(CHARTS))
    return page


@pytest.mark.parametrize("look", LOOKS)
def test_page_fits_and_is_accessible(open_as: OpenAs, look: str, tmp_path: Path) -> None:
    fill()
    page = open_page(open_as, **LOOKS[look])
    for name in CHARTS:
        assert page.get_by_test_id(f"chart-{name}").locator("[data-chart]").evaluate(PAINTED) > 0.01
    assert not overflows(page)
    for summary in page.locator(".health summary").all():
        summary.click()
    assert not overflows(page)
    page.screenshot(path=tmp_path / f"{look}.png", full_page=True)
    assert barriers(page) == []


def test_figure_leads_to_its_list_and_filters_stay_in_the_address(open_as: OpenAs) -> None:
    fill()
    page = open_page(open_as)
    page.get_by_label("Workspace").select_option("Desert Air")
    page.get_by_label("Window").select_option("30d")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_label("Workspace").locator("option:checked")).to_have_text("Desert Air")
    results = page.get_by_test_id("chart-results")
    results.locator("summary").click()
    results.locator("tbody a").last.click()
    expect(page.locator("#result_list tbody tr").first).to_be_visible()
    expect(page.locator(".admin-filter summary", has_text="Hours")).to_be_visible()


def test_page_is_in_the_list_of_pages(open_as: OpenAs) -> None:
    fill()
    page = open_as(User.objects.create_superuser("root"))
    page.goto("/admin/")
    page.locator("#content").get_by_role("link", name="Health", exact=True).first.click()
    expect(page.get_by_role("heading", name="Objectives")).to_be_visible()


def test_tables_need_no_script(open_as: OpenAs) -> None:
    fill()
    page = open_as(User.objects.create_superuser("root"), java_script_enabled=False)
    page.goto(URL)
    note = page.locator("#content noscript p")
    expect(note).to_have_text("Charts need JavaScript. The tables show the same numbers.")
    expect(note).to_be_visible()
    expect(page.get_by_test_id("chart-results").locator("tbody tr")).not_to_have_count(0)

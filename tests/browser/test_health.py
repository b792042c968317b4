"""The page "Health" in a browser: charts, tables, sizes, colors and accessibility."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from routing.models import Workspace
from tests.browser.chromium import barriers
from tests.browser.conftest import OpenAs
from tests.browser.sizes import SIZES, TOO_WIDE, overflows
from tests.support.admin_pages import person
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
# Notes what is written on canvases, and the dashes of lines.
RECORD = """
window.drawn = {texts: [], dashes: []};
const canvas = CanvasRenderingContext2D.prototype, {fillText, setLineDash} = canvas;
canvas.fillText = function (text, ...rest) { drawn.texts.push(text); fillText.call(this, text, ...rest); };
canvas.setLineDash = function (dash) {
    drawn.dashes.push(dash.map(each => each / devicePixelRatio).join());
    setLineDash.call(this, dash);
};
"""
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
    assert look == "phone" or not page.get_by_test_id("chart-results").locator(".admin-wide").evaluate(
        TOO_WIDE
    )
    page.screenshot(path=tmp_path / f"{look}.png", full_page=True)
    assert barriers(page) == []


def test_axes_have_names_and_lines_differ_without_color(open_as: OpenAs) -> None:
    fill()
    page = open_as(User.objects.create_superuser("root"))
    page.add_init_script(RECORD)
    page.goto(f"{URL}?window=7d")
    expect(page.locator("[data-chart] canvas")).to_have_count(len(CHARTS))
    drawn = page.evaluate("drawn")
    assert set(drawn["texts"]) >= {
        *("Attempts", "Hour (UTC)", "Time from due to decided", "Decisions", "Expired leads", "Day (UTC)")
    }
    assert {"", "10,5", "2,4"} <= set(drawn["dashes"])
    marks = page.get_by_test_id("chart-latency").locator(".u-series:not(:first-child) .u-marker")
    borders = [each.evaluate("mark => getComputedStyle(mark).borderTopStyle") for each in marks.all()]
    assert borders == ["solid", "dashed", "dotted"]


def test_legend_is_read_to_a_screen_reader(open_as: OpenAs) -> None:
    fill()
    page = open_page(open_as)
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")
    names = {each.get("name", {}).get("value") for each in tree["nodes"] if not each["ignored"]}
    labels = page.locator(".health .u-legend .u-label").all_inner_texts()
    assert {"Sold", "p99", "Decisions", "Expired"} <= set(labels)
    assert set(labels) <= names


def test_member_of_one_workspace_without_attempts_sees_no_chart(open_as: OpenAs) -> None:
    fill()
    page = open_as(person("operator", WorkspaceFactory.create(name="Quiet Valley")))
    page.goto(URL)
    expect(page.get_by_test_id("health-empty")).to_contain_text("No lead was tried in the last 24 hours.")
    expect(page.locator("[data-chart]")).to_have_count(0)
    expect(page.get_by_label("Workspace").locator("option")).to_have_text(
        ["All my workspaces", "Quiet Valley"]
    )
    assert not overflows(page)
    assert barriers(page) == []


def test_member_of_one_workspace_sees_its_charts(open_as: OpenAs) -> None:
    fill()
    page = open_as(person("operator", Workspace.objects.get(name="Desert Air")))
    page.goto(f"{URL}?window=7d")
    expect(page.locator("[data-chart] canvas")).to_have_count(len(CHARTS))
    expect(page.get_by_test_id("health-duplicates").locator("th[scope=row]")).to_have_text(["Desert Air"])
    expect(page.get_by_text("Workers alive")).to_have_count(0)


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

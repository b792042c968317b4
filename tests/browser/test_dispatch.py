"""The page "Dispatch" with a browser: a pause with its reason, figures that follow, and those that do not come."""

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from routing.dispatch import workers
from routing.dispatch.control import write_leader_heartbeat
from routing.models import DispatchControl, DispatchPath, Workspace
from routing.redis import keys
from tests.browser.chromium import barriers
from tests.browser.conftest import OpenAs
from tests.browser.sizes import SIZES, overflows
from tests.browser.steps import confirm
from tests.support.admin_pages import page as path_of
from tests.support.admin_pages import person
from tests.support.factories import LeadFactory, SourceFactory, WorkspaceFactory
from tracing.models import AuditEntry

if TYPE_CHECKING:
    import redis

URL = path_of(DispatchControl, "changelist")
HIDDEN = """
    Object.defineProperty(document, "hidden", {{ configurable: true, get: () => {} }});
    document.dispatchEvent(new Event("visibilitychange"));
"""


@pytest.fixture
def sunbelt(committed_db: None, redis_client: "redis.Redis[str]") -> Workspace:  # noqa: ARG001
    """With a dispatcher and a worker, as far as they say so."""
    assert redis_client.ping()
    write_leader_heartbeat("host:71:ab12", epoch=3, path=DispatchPath.REDIS)
    workers.write_worker_heartbeat("celery@one")
    workspace: Workspace = WorkspaceFactory(name="Sunbelt Leads")
    return workspace


def row_of(page: Page, workspace: Workspace) -> Any:
    return page.get_by_test_id("dispatch-workspace").filter(has_text=workspace.name)


def count_asked(page: Page) -> list[str]:
    """The page's own requests for figures, from now on."""
    asked: list[str] = []
    page.on(
        "request",
        lambda request: asked.append(request.url) if request.resource_type == "fetch" else None,
    )
    return asked


def test_workspace_is_paused_for_a_reason_and_resumed(
    open_as: OpenAs, sunbelt: Workspace, redis_client: "redis.Redis[str]"
) -> None:
    page = open_as(person("operator", sunbelt), refused=[(400, f"{URL}pause/")])
    page.goto("/admin/")
    page.locator(".admin-card", has_text="Dispatch").get_by_role("link", name="Running").click()
    expect(row_of(page, sunbelt)).to_contain_text("no")
    page.get_by_role("link", name="Pause Sunbelt Leads").click()
    expect(page.get_by_label("Why")).to_be_focused()
    page.get_by_role("button", name="Pause Sunbelt Leads").click()
    expect(page.locator(".errorlist")).to_contain_text("This field is required")
    confirm(page, "the buyers asked for it", "Pause Sunbelt Leads")

    expect(row_of(page, sunbelt)).to_contain_text("the buyers asked for it")
    assert redis_client.exists(keys.workspace_paused_key(sunbelt.pk))
    page.goto(path_of(AuditEntry, "changelist"))
    expect(page.locator("#result_list tbody tr")).to_contain_text("the buyers asked for it")

    page.goto(URL)
    page.get_by_role("link", name="Resume Sunbelt Leads").click()
    confirm(page, "they are back", "Resume Sunbelt Leads")
    expect(row_of(page, sunbelt)).not_to_contain_text("the buyers asked for it")
    sunbelt.refresh_from_db()
    assert sunbelt.paused_at is None
    assert not redis_client.exists(keys.workspace_paused_key(sunbelt.pk))
    entries = AuditEntry.objects.order_by("pk").values_list("action", "reason")
    assert list(entries) == [("pause", "the buyers asked for it"), ("resume", "they are back")]


def test_whole_product_is_paused_and_resumed(open_as: OpenAs, sunbelt: Workspace) -> None:
    page = open_as(User.objects.create_superuser("root"))
    page.goto(path_of(Workspace, "changelist"))
    page.locator("#nav-sidebar").get_by_role("link", name="Dispatch").click()
    page.get_by_role("link", name="Pause the whole product").click()
    expect(page.locator("#content")).to_contain_text("no lead in any workspace is started")
    confirm(page, "a bad import", "Pause the whole product")
    expect(page.get_by_test_id("dispatch-product")).to_contain_text("by root: a bad import")
    assert barriers(page) == []
    page.get_by_role("link", name="Resume the whole product").click()
    confirm(page, "it is fixed", "Resume the whole product")
    expect(page.get_by_test_id("dispatch-product")).to_contain_text("is not paused")
    expect(row_of(page, sunbelt)).to_be_visible()


def test_refresh_updates_figures_and_preserves_focus_and_typed_text(
    open_as: OpenAs, sunbelt: Workspace
) -> None:
    page = open_as(User.objects.create_superuser("root"))
    page.goto(URL)
    expect(page.get_by_test_id("dispatch-waiting")).to_have_text("0")
    page.get_by_label("Find a workspace").fill("half a na")
    button = page.get_by_role("link", name="Pause Sunbelt Leads")
    button.focus()
    source = SourceFactory(workspace=sunbelt)
    LeadFactory.create_batch(2, source=source, next_attempt_at=timezone.now() + timedelta(days=1))

    expect(page.get_by_test_id("dispatch-waiting")).to_have_text("2")

    expect(row_of(page, sunbelt)).to_contain_text(re.compile(r"poll\s*2\s*0"))
    expect(button).to_be_focused()
    expect(page.get_by_label("Find a workspace")).to_have_value("half a na")
    WorkspaceFactory(name="Another")
    expect(page.get_by_test_id("dispatch-workspace")).to_have_count(2)
    expect(page.get_by_test_id("dispatch-workspace").first).to_contain_text("Another")
    write_leader_heartbeat("host:72:cd34", epoch=4, path=DispatchPath.REDIS)
    expect(page.get_by_test_id("dispatch-leader")).to_contain_text("host:72:cd34")
    expect(page.get_by_test_id("dispatch-note")).to_be_empty()


def test_figures_of_a_failed_refresh_are_called_stale(open_as: OpenAs, sunbelt: Workspace) -> None:
    page = open_as(User.objects.create_superuser("root"))
    page.goto(URL)
    note = page.get_by_test_id("dispatch-note")
    page.route(f"**{URL}", lambda route: route.abort() if is_fetch(route) else route.continue_())
    expect(note).to_contain_text("Stale: the figures could not be refreshed. These are from 20")
    assert barriers(page) == []
    page.unroute_all()
    expect(note).to_be_empty()

    page.context.clear_cookies()
    expect(note).to_contain_text("Stale: your session expired.")
    expect(row_of(page, sunbelt)).to_be_visible()


def is_fetch(route: Any) -> bool:
    return bool(route.request.resource_type == "fetch")


def test_hidden_page_does_not_poll(open_as: OpenAs, sunbelt: Workspace) -> None:
    page = open_as(User.objects.create_superuser("root"))
    page.clock.install()
    page.goto(URL)
    expect(row_of(page, sunbelt)).to_be_visible()
    page.evaluate(HIDDEN.format("true"))
    asked = count_asked(page)
    page.clock.run_for(60_000)
    assert asked == []
    LeadFactory(source=SourceFactory(workspace=sunbelt), next_attempt_at=timezone.now() + timedelta(days=1))

    page.evaluate(HIDDEN.format("false"))

    expect(page.get_by_test_id("dispatch-waiting")).to_have_text("1")  # at once: the clock is stopped
    assert len(asked) == 1


def test_question_before_a_pause_does_not_poll(open_as: OpenAs, sunbelt: Workspace) -> None:
    page = open_as(User.objects.create_superuser("root"))
    page.clock.install()
    asked = count_asked(page)
    page.goto(f"{URL}pause/?workspace={sunbelt.pk}")
    page.clock.run_for(60_000)
    assert asked == []


def test_page_without_a_script_says_to_reload(open_as: OpenAs, sunbelt: Workspace) -> None:
    page = open_as(User.objects.create_superuser("root"), java_script_enabled=False)
    page.goto(URL)
    expect(page.locator("noscript p")).to_have_text("Reload the page to update the numbers.")
    expect(page.locator("noscript p")).to_be_visible()
    expect(row_of(page, sunbelt)).to_be_visible()


@pytest.mark.parametrize("size", SIZES)
def test_page_fits_and_is_accessible(open_as: OpenAs, sunbelt: Workspace, size: str) -> None:
    Workspace.objects.update(paused_at=timezone.now())
    WorkspaceFactory(name="A workspace with a rather long name, as some have", dispatch_mode="event")
    page = open_as(User.objects.create_superuser("root"), **SIZES[size])
    page.goto(URL)
    expect(row_of(page, sunbelt)).to_be_visible()
    assert not overflows(page)
    assert barriers(page) == []

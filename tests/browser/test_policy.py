"""The Content-Security-Policy stops nothing that a page needs. Complaints of the browser fail each test here."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import RequestFactory
from django.urls import NoReverseMatch, reverse
from playwright.sync_api import Browser, expect

from tests.browser.conftest import OpenAs
from tests.support.admin_pages import build_world

RUN_INLINE = """async () => {
    const violation = new Promise(done => document.addEventListener(
        "securitypolicyviolation", event => done(event.effectiveDirective), {once: true}));
    const script = document.createElement("script");
    script.textContent = "window.ran = true";
    document.body.append(script);
    return [await violation, window.ran === undefined];
}"""


def admin_paths(user: User) -> list[str]:
    """Every list, form for a new row and form of an old one."""
    paths = [reverse("admin:index"), reverse("admin:password_change"), reverse("admin:health")]
    request = RequestFactory().get("/")
    request.user = user
    for model, page in admin.site._registry.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        row = model._default_manager.first()
        for suffix, arguments in (
            ("changelist", []),
            ("add", [] if page.has_add_permission(request) else None),
            ("change", [row.pk] if row else None),
        ):
            if arguments is not None:
                try:
                    paths.append(reverse(f"{name}_{suffix}", args=arguments))
                except NoReverseMatch:  # a proxy has a list alone
                    continue
    return paths


def test_no_page_of_the_admin_breaks_the_policy(open_as: OpenAs) -> None:
    build_world()
    root = User.objects.create_superuser("root")
    page, paths = open_as(root), admin_paths(root)
    assert len(paths) > 40
    for path in paths:
        answer = page.goto(path, wait_until="domcontentloaded", timeout=60_000)
        assert answer is not None
        assert "script-src 'self';" in answer.headers["content-security-policy"]


def test_api_pages_work_under_the_policy(open_as: OpenAs) -> None:
    page = open_as(None)
    page.goto("/api/docs/")
    expect(page.locator(".opblock").first).to_be_visible()


@pytest.mark.usefixtures("committed_db")
def test_inline_code_does_not_run(browser: Browser, address: str) -> None:
    with browser.new_context(base_url=address) as context:
        page = context.new_page()
        page.goto("/api/docs/")
        assert page.evaluate(RUN_INLINE) == ["script-src-elem", True]

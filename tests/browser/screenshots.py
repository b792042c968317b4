"""`make screenshots`: a picture of every operator page in light, dark and phone width, in var/screenshots/.

Not collected with the tests: it looks at a demo of 30 leads and asserts only that every page opens.
"""

import shutil
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from distribution.demo.build import Demo, build_demo
from distribution.demo.people import make_leads
from distribution.distribute import distribute_lead
from distribution.models import Wallet
from routing.models import Lead, LeadStatus
from tests.admin_pages import EDITABLE, MODELS
from tests.admin_pages import page as path_of
from tests.browser.chromium import DESK, PHONE
from tests.browser.conftest import OpenAs

FOLDER = Path(__file__).resolve().parents[2] / "var" / "screenshots"
LEADS = 30
PHONE_OPTIONS = {"viewport": PHONE, "is_mobile": True, "has_touch": True}
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": DESK},
    "dark": {"color_scheme": "dark", "viewport": DESK},
    "phone": {"color_scheme": "light", **PHONE_OPTIONS},
}


@pytest.fixture
def demo(committed_db: None) -> Demo:  # noqa: ARG001
    """An agency with 60 buyers whose leads were sent through the API and tried once each."""
    demo = build_demo(seed=1)
    client = Client(headers={"Authorization": f"Api-Key {demo.key}"})
    leads = list(make_leads(LEADS, seed=1, at=timezone.now()))
    assert (
        client.post("/api/v1/leads/batch/", {"leads": leads}, content_type="application/json").status_code
        < 300
    )
    for lead_id in Lead.objects.values_list("pk", flat=True):
        distribute_lead(lead_id)
    return demo


@pytest.mark.parametrize("look", LOOKS)
def test_take(look: str, demo: Demo, open_as: OpenAs) -> None:  # noqa: ARG001
    folder = FOLDER / look
    shutil.rmtree(folder, ignore_errors=True)
    root = User.objects.create_superuser("root")
    anonymous, page = open_as(None, **LOOKS[look]), open_as(root, **LOOKS[look])
    take(anonymous, "/admin/login/", folder / "login.png")
    for name, path in operator_pages().items():
        take(page, path, folder / f"{name}.png")


def operator_pages() -> dict[str, str]:
    pages = {"home": "/admin/", "password": "/admin/password_change/"}
    for model in MODELS:
        name = model.__name__.lower()
        pages[f"{name}-list"] = path_of(model, "changelist")
        if row := model._default_manager.order_by("pk").first():
            pages[f"{name}-page"] = path_of(model, "change", row.pk)
        if model in EDITABLE:
            pages[f"{name}-add"] = path_of(model, "add")
    failed = Lead.objects.filter(status=LeadStatus.FAILED).order_by("pk")[0]
    leads, wallet = path_of(Lead, "changelist"), Wallet.objects.order_by("pk")[0]
    return {
        **pages,
        "lead-failed-page": path_of(Lead, "change", failed.pk),
        "lead-drawer": f"{leads}?trace={failed.public_id}",
        "lead-run-again": f"{leads}act/rerun/?ids={failed.pk}",
        "lead-assign": f"{leads}{failed.pk}/assign/",
        "wallet-top-up": f"/admin/distribution/wallet/{wallet.pk}/money/topup/",
        "routing-test-a-lead": "/admin/routing/routingrule/test/",
        "user-list": path_of(User, "changelist"),
    }


def take(page: Page, path: str, file: Path) -> None:
    answer = page.goto(path)
    assert answer is not None
    assert answer.ok, path
    if "?trace=" in path:
        open_first_buyer(page)
    page.screenshot(path=file, full_page="?trace=" not in path)


def open_first_buyer(page: Page) -> None:
    page.get_by_test_id("trace-remedy-open").first.click()
    expect(page.get_by_test_id("trace-remedy")).to_be_visible()

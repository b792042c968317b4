"""axe-core finds nothing serious on the pages of the admin, in light and dark."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page

from routing.models import Lead
from tests.admin_pages import EDITABLE, MODELS
from tests.admin_pages import page as path_of
from tests.browser.chromium import barriers
from tests.browser.conftest import OpenAs
from tests.browser.scene import build_scene


def test_nothing_keeps_people_out(open_as: OpenAs) -> None:
    scene = build_scene()
    page = open_as(User.objects.create_superuser("root"))
    paths = ["/admin/", path_of(Lead, "change", scene.lead.pk)]
    paths += [path_of(model, "changelist") for model in MODELS]
    paths += [path_of(model, "add") for model in EDITABLE]
    problems = [f"{path} {problem}" for path in paths for problem in problems_on(page, path)]
    if problems:
        pytest.fail("\n".join(problems))


def test_the_log_in_page_keeps_nobody_out(open_as: OpenAs) -> None:
    assert problems_on(open_as(None), "/admin/login/") == []


def problems_on(page: Page, path: str) -> list[str]:
    page.goto(path)
    return barriers(page)

"""axe-core finds nothing serious on the pages of the admin, in light and dark.

Lists share their markup: a few of them are looked at.
"""

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import Page

from distribution.models import Buyer, Wallet
from routing.models import Lead, RetryingLead, RoutingRule
from tests.browser.chromium import barriers
from tests.browser.conftest import OpenAs
from tests.browser.scene import build_scene
from tests.support.admin_pages import EDITABLE
from tests.support.admin_pages import page as path_of
from tests.support.auctions import answer, auction_campaign, auctioned_lead, bidder, close
from tests.support.factories import LeadFactory
from tracing.models import AuditEntry


def test_every_page_is_accessible(open_as: OpenAs) -> None:
    scene = build_scene()
    page = open_as(User.objects.create_superuser("root"))
    wallet = Wallet.objects.get(buyer=scene.broke)
    paths = ["/admin/", path_of(Lead, "change", scene.lead.pk), path_of(Lead, "changelist")]
    paths += [path_of(Buyer, "change", scene.broke.pk), path_of(Wallet, "change", wallet.pk)]
    paths += [f"/admin/distribution/wallet/{wallet.pk}/money/topup/", path_of(Wallet, "changelist")]
    paths += [f"/admin/routing/lead/act/rerun/?ids={scene.lead.pk}", path_of(AuditEntry, "changelist")]
    hold_auction()
    paths += [reverse("admin:distribution_bid_figures")]
    LeadFactory(source=scene.lead.source, attempts=2, errors=1, skip_reason="internal_error")
    paths += [
        path_of(RetryingLead, "changelist"),
        path_of(RoutingRule, "changelist"),
        "/admin/routing/routingrule/test/",
    ]
    paths += [path_of(model, "add") for model in EDITABLE]
    problems = [f"{path} {problem}" for path in paths for problem in problems_on(page, path)]
    if problems:
        pytest.fail("\n".join(problems))


def hold_auction() -> None:
    """Of another agency. The page of figures has charts only with bids."""
    campaign = auction_campaign()
    place = bidder(campaign, url="https://bids.example.com/ping")
    lead = auctioned_lead(campaign)
    answer(lead, place, 4_000)
    assert close(lead).result == "success"


def test_login_page_is_accessible(open_as: OpenAs) -> None:
    assert problems_on(open_as(None), "/admin/login/") == []


def test_nor_does_a_page_that_is_not_there(open_as: OpenAs) -> None:
    assert problems_on(open_as(None, refused=[(404, "/nothing/")]), "/nothing/") == []


def problems_on(page: Page, path: str) -> list[str]:
    page.goto(path)
    return barriers(page)

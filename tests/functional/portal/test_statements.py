"""A buyer on net terms reads its statements in the portal, as pages and as PDFs."""

from datetime import UTC, datetime

import pytest
from django.test import Client

from distribution.models import Buyer
from tests.support.factories import BuyerFactory, CampaignFactory, PortalUserFactory
from tests.support.portal import signed_in
from tests.support.statements import buyer_on_terms, charge, issue

pytestmark = pytest.mark.django_db

LIST = "/portal/wallet/statements/"
MIDDLE = datetime(2026, 1, 15, 17, tzinfo=UTC)


@pytest.fixture
def buyer() -> Buyer:
    """It owes $25.00 of January."""
    campaign = CampaignFactory(name="Roofing")
    built = buyer_on_terms(workspace=campaign.workspace, name="Acme")
    charge(built, campaign, 2_500, at=MIDDLE)
    issue(built)
    return built


def client_for(buyer: Buyer, *, role: str = "viewer") -> Client:
    return signed_in(PortalUserFactory(buyer=buyer, role=role))


def test_list_shows_what_is_to_be_paid_and_the_page_its_sums(buyer: Buyer) -> None:
    client = client_for(buyer)
    listed = client.get(LIST).content.decode()
    assert "January 2026" in listed
    assert "$25.00 to be paid until Mar 3, 2026" in listed
    page = client.get(f"{LIST}1/").content.decode()
    assert "Statement 1: Acme, January 2026" in page
    assert "Roofing" in page
    assert f"{LIST}1/pdf/" in page


def test_pdf_is_downloaded(buyer: Buyer) -> None:
    answer = client_for(buyer).get(f"{LIST}1/pdf/")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    assert answer["Content-Disposition"] == 'attachment; filename="statement-1-2026-01.pdf"'
    assert answer["Cache-Control"] == "no-store"
    assert answer.content.startswith(b"%PDF-")


@pytest.mark.parametrize("page", ["1/", "1/pdf/"])
def test_statement_of_another_buyer_is_not_found(buyer: Buyer, page: str) -> None:
    others = [BuyerFactory(workspace=buyer.workspace), BuyerFactory()]
    for other in others:
        client = client_for(other, role="manager")
        assert client.get(f"{LIST}{page}").status_code == 404
        assert "January 2026" not in client.get(LIST).content.decode()
    stranger = Client().get(f"{LIST}{page}")
    assert (stranger.status_code, stranger["Location"]) == (302, "/portal/sign-in/")


def test_prepaid_buyer_reads_why_there_is_none() -> None:
    shown = client_for(BuyerFactory()).get(LIST).content.decode()
    assert "You pay in advance, so there are no statements." in shown

"""The demo's auction can be stored, and asks four buyers; the fifth has a standing bid."""

import pytest

from distribution.attempts.distribute import distribute_lead
from leadswitch.demo import auction
from leadswitch.demo.buyer_system import bid
from tests.support.auctions import auction_of, bids_of
from tests.support.factories import LeadFactory, SourceFactory, WorkspaceFactory

pytestmark = pytest.mark.django_db


def test_lead_of_the_demo_is_auctioned() -> None:
    workspace = WorkspaceFactory()
    campaign = auction.build(workspace, buyers="http://127.0.0.1:9")
    source = SourceFactory(workspace=workspace)
    lead = LeadFactory(source=source, vertical=campaign.vertical, zip="30312", state="GA")

    assert distribute_lead(lead.pk).result == "offered"

    assert auction_of(lead).reserve_cents == 5_000
    assert sorted(bids_of(lead, "bid_outcome").values()) == ["", "", "", "", "standing"]


def test_system_of_the_demo_bids_and_declines() -> None:
    assert bid("/bid/62.00/0") == {"accepted": True, "price": "62.00", "id": "BID-62.00"}
    assert bid("/decline")["accepted"] is False

"""Where a buyer changes what lost it an auction: its bids in the product, or the answer of its own system."""

from typing import Any

import pytest

from distribution.api.misseddocuments import MissedLeadDocument
from distribution.models import Enrollment
from routing.models import Lead
from tests.support.auctions import answer, auction_campaign, auctioned_lead, bidder, close
from tests.support.buyer_program import Api
from tests.support.described import assert_described

pytestmark = pytest.mark.usefixtures("committed_db")
ASKED = "https://bids.example.com/ping"
OWN_BIDS = {"path": "enrollments/", "fields": ["bid_cents", "standing_bids"]}
OWN_SYSTEM = {"path": "ping_endpoint", "fields": ["bid"]}


def read(lead: Lead, loser: Enrollment) -> tuple[str, Any]:
    shown = Api(loser.buyer).get(f"missed/{lead.public_id}/")
    assert_described(shown, MissedLeadDocument())
    [listed] = Api(loser.buyer).get("missed/")["results"]
    assert listed["change_in"] == shown["change_in"] == shown["history"][0]["change_in"]
    return shown["reason"], shown["change_in"]


@pytest.mark.parametrize(
    ("bid_cents", "reserve_cents", "reason"),
    [(3_000, None, "outbid"), (None, None, "no_bid"), (3_000, 3_500, "bid_below_reserve")],
)
def test_standing_bid_is_changed_in_the_enrollment(
    bid_cents: int | None, reserve_cents: int | None, reason: str
) -> None:
    campaign = auction_campaign(reserve_cents=reserve_cents)
    bidder(campaign, bid_cents=4_000)
    loser = bidder(campaign, bid_cents=bid_cents)
    lead = auctioned_lead(campaign)
    close(lead)
    assert read(lead, loser) == (reason, OWN_BIDS)


@pytest.mark.parametrize(
    ("cents", "outcome", "reason", "change_in"),
    [
        (3_000, "bid", "outbid", OWN_SYSTEM),
        (None, "no_bid", "no_bid", OWN_SYSTEM),
        (None, "refused", "no_bid", OWN_SYSTEM),
        (None, "error", "no_bid", OWN_BIDS),
        (None, "timeout", "bid_late", OWN_BIDS),
    ],
)
def test_answer_is_changed_in_the_system_that_gave_it(
    cents: int | None, outcome: str, reason: str, change_in: dict[str, Any]
) -> None:
    campaign = auction_campaign()
    bidder(campaign, bid_cents=4_000)
    loser = bidder(campaign, url=ASKED)
    lead = auctioned_lead(campaign)
    answer(lead, loser, cents, outcome)
    close(lead)
    assert read(lead, loser) == (reason, change_in)


def test_gate_names_its_own_setting() -> None:
    campaign = auction_campaign()
    bidder(campaign, bid_cents=4_000)
    loser = bidder(campaign, bid_cents=5_000, buyer__service_area={"states": ["AL"]})
    lead = auctioned_lead(campaign, state="GA")
    close(lead)
    area = {"path": "area/", "fields": ["service_area"]}
    assert read(lead, loser) == ("outside_service_area", area)

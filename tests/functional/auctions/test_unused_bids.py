"""An auction that closes without a decision about its bids: trace and places say what became of each of them."""

from datetime import UTC, datetime, timedelta

import pytest

from distribution.attempts.distribute import distribute_lead
from distribution.explain.lead import explain
from distribution.models import Assignment, Campaign, Offer
from routing.models import Lead, Workspace
from tests.support.auctions import (
    answer,
    auction_campaign,
    auction_of,
    auctioned_lead,
    bidder,
    bids_of,
    close,
)
from tests.support.holds import attempts_of
from tests.support.offers import assert_everything_holds, offering_campaign
from tracing.models import LeadDistributionEvent

pytestmark = pytest.mark.usefixtures("committed_db")

ASKED = "https://bids.example.com/ping"
HIGH, LOW = 4_000, 3_000


@pytest.fixture
def campaign() -> Campaign:
    return auction_campaign(offer_fallback="push", fallback_mode="priority")


@pytest.fixture
def lead(campaign: Campaign) -> Lead:
    """One buyer has bid, one has a standing bid, and one has said no."""
    one, no = bidder(campaign, url=ASKED), bidder(campaign, url=ASKED)
    bidder(campaign, bid_cents=LOW)
    lead = auctioned_lead(campaign)
    answer(lead, one, HIGH)
    answer(lead, no, None, "no_bid")
    return lead


def bids_in_trace() -> list[tuple[str, int | None, int | None]]:
    """Sorted by outcome."""
    events = LeadDistributionEvent.objects.filter(event="bid_received").order_by("data__outcome")
    return [(each.data["outcome"], each.data.get("bid_cents"), each.data.get("rank")) for each in events]


def assert_bids_were_not_used(lead: Lead) -> None:
    assert bids_in_trace() == [("bid", HIGH, None), ("no_bid", None, None), ("standing", LOW, None)]
    auction = auction_of(lead)
    assert (auction.state, auction.end_reason) == ("closed", "canceled")
    closed = LeadDistributionEvent.objects.get(event="auction_closed")
    assert closed.data == {"offer": str(auction.public_id), "reason": "canceled"}
    assert set(bids_of(lead, "rank").values()) == {None}
    [offer] = explain(Lead.objects.get()).offers
    assert {(each.reason, each.fixer) for each in offer.buyers} == {("offer_withdrawn", "agency")}
    assert_everything_holds()


def test_campaign_that_was_turned_off_names_every_bid(campaign: Campaign, lead: Lead) -> None:
    Campaign.objects.filter(pk=campaign.pk).update(active=False)
    outcome = close(lead)
    assert (outcome.result, outcome.skip_reason) == ("unsold", "offer_unclaimed")
    events = ["auction_closed", "bid_received", "bid_received", "bid_received", "failed"]
    assert attempts_of(lead)[1] == ("offer_closed", "unsold", "offer_unclaimed", events)
    assert_bids_were_not_used(lead)


def test_bids_come_before_the_decision_of_the_next_campaign(campaign: Campaign, lead: Lead) -> None:
    other = offering_campaign(buyers=1, mode="priority", workspace=campaign.workspace)
    Campaign.objects.filter(pk=campaign.pk).update(active=False)
    assert close(lead).result == "success"
    assert Assignment.objects.get().campaign_id == other.pk
    events = ["auction_closed", "bid_received", "bid_received", "bid_received", "distributed"]
    assert attempts_of(lead)[1] == ("offer_closed", "success", "", events)
    said = LeadDistributionEvent.objects.filter(lead_id=lead.pk).order_by("-id")
    decided, bid = said.filter(event="campaign_resolved").first(), said.filter(event="bid_received").first()
    assert decided is not None
    assert bid is not None
    assert (bid.attempt_id, bid.seq < decided.seq) == (decided.attempt_id, True)
    assert_bids_were_not_used(lead)


def test_lead_that_expired_during_the_auction_names_every_bid(lead: Lead) -> None:
    expires_at = auction_of(lead).closes_at
    Lead.objects.update(expires_at=expires_at)
    assert distribute_lead(lead.pk, at=expires_at).skip_reason == "lead_expired"
    assert_bids_were_not_used(lead)


def test_lead_that_has_to_wait_for_the_hours_of_its_workspace_names_every_bid(lead: Lead) -> None:
    in_three_days = f"{datetime.now(UTC) + timedelta(days=3):%a}".lower()
    Workspace.objects.filter(pk=lead.workspace_id).update(hours={in_three_days: [["09:00", "17:00"]]})
    outcome = close(lead)
    assert (outcome.result, outcome.skip_reason) == ("deferred", "outside_workspace_hours")
    assert_bids_were_not_used(lead)


def test_bids_that_were_decided_about_are_named_once(lead: Lead) -> None:
    assert close(lead).result == "success"
    assert LeadDistributionEvent.objects.get(event="auction_closed").data["reason"] == "bids_in"
    assert bids_in_trace() == [("bid", HIGH, 1), ("no_bid", None, None), ("standing", LOW, 2)]
    assert auction_of(lead).end_reason == "bids_in"
    assert_everything_holds()


def test_places_of_a_ping_post_say_what_happened_if_its_campaign_is_turned_off() -> None:
    campaign = offering_campaign(buyers=2)
    lead = auctioned_lead(campaign)
    Campaign.objects.filter(pk=campaign.pk).update(active=False)
    ends = Offer.objects.get().closes_at + timedelta(milliseconds=1)
    assert distribute_lead(lead.pk, at=ends).skip_reason == "offer_unclaimed"
    [offer] = explain(Lead.objects.get()).offers
    assert [each.reason for each in offer.buyers] == ["offer_not_claimed"] * 2
    assert_everything_holds()

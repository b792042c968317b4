"""Buyers' systems are posted the lead after an offer: their answers go on with the push, and not with another offer."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment, Offer
from tests.support.auctions import answer, auction_campaign, auctioned_lead, bidder, close
from tests.support.factories import EndpointFactory
from tests.support.holds import accept, open_hold, reject
from tests.support.offers import assert_everything_holds, buyers_of, offering_campaign, open_offer_of

pytestmark = pytest.mark.usefixtures("committed_db")

AT = datetime(2026, 3, 2, 15, tzinfo=UTC)
ENDS = AT + timedelta(seconds=60)
ANSWERED = ENDS + timedelta(seconds=1)


def sales() -> list[tuple[int, str]]:
    return list(Assignment.objects.order_by("pk").values_list("buyer_id", "state"))


def test_rejected_push_is_posted_to_the_next_buyer() -> None:
    campaign = offering_campaign(buyers=2, sells_on="acceptance")
    first, second = buyers_of(campaign)
    for buyer_id in (first, second):
        EndpointFactory(buyer_id=buyer_id)
    lead = open_offer_of(campaign, at=AT).lead
    distribute_lead(lead.pk, at=ENDS)
    reject(open_hold(lead), at=ANSWERED)

    assert distribute_lead(lead.pk, at=ANSWERED).result == "posting"

    assert sales() == [(first, "rejected"), (second, "held")]
    assert Offer.objects.count() == 1
    assert_everything_holds()


def test_second_place_of_an_accepted_push_is_posted() -> None:
    campaign = offering_campaign(buyers=2, max_buyers=2, sells_on="acceptance")
    first, second = buyers_of(campaign)
    for buyer_id in (first, second):
        EndpointFactory(buyer_id=buyer_id)
    lead = open_offer_of(campaign, at=AT).lead
    distribute_lead(lead.pk, at=ENDS)
    accept(open_hold(lead), at=ANSWERED)

    assert distribute_lead(lead.pk, at=ANSWERED).result == "posting"

    assert sales() == [(first, "sold"), (second, "held")]
    assert Offer.objects.count() == 1
    assert_everything_holds()


def test_rejection_in_the_next_campaign_stays_there() -> None:
    offering = offering_campaign(buyers=1, offer_fallback="next_campaign", priority=9)
    other = offering_campaign(
        buyers=2, mode="priority", max_buyers=1, sells_on="acceptance", workspace=offering.workspace
    )
    first, second = buyers_of(other)
    for buyer_id in (first, second):
        EndpointFactory(buyer_id=buyer_id)
    lead = open_offer_of(offering, at=AT).lead
    distribute_lead(lead.pk, at=ENDS)
    reject(open_hold(lead), at=ANSWERED)

    assert distribute_lead(lead.pk, at=ANSWERED).result == "posting"

    assert sales() == [(first, "rejected"), (second, "held")]
    assert Offer.objects.count() == 1
    assert_everything_holds()


def test_second_place_in_the_next_campaign_is_posted() -> None:
    offering = offering_campaign(buyers=1, offer_fallback="next_campaign", priority=9)
    other = offering_campaign(
        buyers=2, max_buyers=2, mode="priority", sells_on="acceptance", workspace=offering.workspace
    )
    first, second = buyers_of(other)
    for buyer_id in (first, second):
        EndpointFactory(buyer_id=buyer_id)
    lead = open_offer_of(offering, at=AT).lead
    distribute_lead(lead.pk, at=ENDS)
    accept(open_hold(lead), at=ANSWERED)

    assert distribute_lead(lead.pk, at=ANSWERED).result == "posting"

    assert sales() == [(first, "sold"), (second, "held")]
    assert_everything_holds()


def test_second_place_in_the_next_campaign_is_posted_after_an_auction() -> None:
    auction = auction_campaign(offer_fallback="next_campaign", priority=9)
    bidder(auction)
    other = offering_campaign(
        buyers=2, max_buyers=2, mode="priority", sells_on="acceptance", workspace=auction.workspace
    )
    first, second = buyers_of(other)
    for buyer_id in (first, second):
        EndpointFactory(buyer_id=buyer_id)
    lead = auctioned_lead(auction)
    assert close(lead).result == "posting"
    accept(open_hold(lead), at=timezone.now())

    assert distribute_lead(lead.pk).result == "posting"

    assert sales() == [(first, "sold"), (second, "held")]
    assert Offer.objects.count() == 1
    assert_everything_holds()


def test_winner_of_an_auction_keeps_its_lead_from_the_next_campaign() -> None:
    auction = auction_campaign(
        offer_fallback="next_campaign", priority=9, max_buyers=2, sells_on="acceptance"
    )
    winner = bidder(auction, url="https://bids.example.com/ping")
    EndpointFactory(buyer=winner.buyer)
    offering_campaign(buyers=1, mode="priority", max_buyers=2, workspace=auction.workspace)
    lead = auctioned_lead(auction)
    answer(lead, winner, 4_000)
    assert close(lead).result == "posting"
    accept(open_hold(lead), at=timezone.now())

    assert distribute_lead(lead.pk).status == "distributed"

    assert sales() == [(winner.buyer_id, "sold")]
    assert_everything_holds()


def test_offer_after_rejected_bids_begins_the_deadline_anew() -> None:
    """The push of the next campaign comes later than the deadline of the buyer that rejected the lead."""
    auction = auction_campaign(sells_on="acceptance", offer_fallback="next_campaign", priority=9)
    rejecting = bidder(auction, url="https://bids.example.com/ping")
    EndpointFactory(buyer=rejecting.buyer)
    offering = offering_campaign(buyers=1, workspace=auction.workspace)
    lead = auctioned_lead(auction)
    answer(lead, rejecting, 4_000)
    assert close(lead).result == "posting"
    reject(open_hold(lead), at=timezone.now())
    assert distribute_lead(lead.pk).result == "offered"
    offer = Offer.objects.get(lead=lead, state="open")

    assert distribute_lead(lead.pk, at=offer.closes_at).result == "success"

    assert sales() == [(rejecting.buyer_id, "rejected"), (buyers_of(offering)[0], "sold")]
    assert_everything_holds()

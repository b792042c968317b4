"""Operators see every answer of every buyer in the auctions of their workspaces, and find them by what they know."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from distribution.models import Bid, OfferBuyer
from tests.support.admin_pages import client_of, page, person
from tests.support.auctions import answer, auction_campaign, auction_of, auctioned_lead, bidder, close
from tests.support.factories import AuctionFactory, BidFactory
from tracing.admin.days import first_id_at

pytestmark = pytest.mark.django_db

ASKED = "https://bids.example.com/ping"


@pytest.fixture
def client() -> Client:
    return client_of(User.objects.create_superuser("root"))


def listed(client: Client, **query: Any) -> set[int]:
    answered = client.get(page(Bid, "changelist"), query)
    assert answered.status_code == 200
    return {each.pk for each in answered.context["cl"].result_list}


def test_list_shows_the_whole_auction(client: Client) -> None:
    campaign = auction_campaign(reserve_cents=2_000)
    winner, loser, silent, low = (bidder(campaign, url=ASKED) for _ in range(4))
    lead = auctioned_lead(campaign)
    answer(lead, winner, 4_000)
    answer(lead, loser, 3_000)
    answer(lead, silent, None, "timeout")
    answer(lead, low, 1_000)
    close(lead)

    rows = {each.buyer_id: each for each in client.get(page(Bid, "changelist")).context["cl"].result_list}

    assert {
        buyer_id: (row.bid_cents, row.bid_outcome, row.rank, row.paid_cents) for buyer_id, row in rows.items()
    } == {
        winner.buyer_id: (4_000, "bid", 1, 4_000),
        loser.buyer_id: (3_000, "bid", 2, None),
        silent.buyer_id: (None, "timeout", None, None),
        low.buyer_id: (1_000, "bid", None, None),
    }
    text = client.get(page(Bid, "changelist")).content.decode()
    for shown in ("$40.00", "$30.00", "40 ms", "no answer in time", lead.public_id.hex[-6:]):
        assert shown in text, shown


def test_bids_are_found_by_what_is_known_of_them(client: Client) -> None:
    first = BidFactory(bid_id="B-1")
    second = BidFactory(offer=first.offer, bid_outcome="late")
    other = BidFactory(bid_outcome="", asked_at=None, bid_cents=None)
    everything = {first.pk, second.pk, other.pk}
    OfferBuyer.objects.create(
        offer=AuctionFactory(kind="ping_post"),
        buyer=first.buyer,
        enrollment=first.enrollment,
        tier_position=1,
        visible_at=first.visible_at,
    )

    assert listed(client) == everything
    assert listed(client, outcome="late") == {second.pk}
    assert listed(client, outcome="unanswered") == {other.pk}
    assert listed(client, campaign=first.offer.campaign_id) == {first.pk, second.pk}
    assert listed(client, buyer=first.buyer_id) == {first.pk}
    assert listed(client, q=str(first.offer.public_id)) == {first.pk, second.pk}
    assert listed(client, q=str(first.offer.lead.public_id)) == {first.pk, second.pk}
    assert listed(client, q=str(second.buyer.public_id)) == {second.pk}
    assert listed(client, q=other.buyer.name) == {other.pk}
    assert listed(client, q="B-1") == {first.pk}
    assert listed(client, day="today") == everything
    assert listed(client, day="2026-01-02") == set()


def test_day_has_its_auctions_and_no_others(client: Client) -> None:
    days = [datetime(2026, 1, day, 23, 59, tzinfo=UTC) for day in (1, 2, 3)]
    bids = [BidFactory(offer__public_id=first_id_at(at), offer__opened_at=at) for at in days]

    assert [listed(client, day=f"2026-01-0{day}") for day in (1, 2, 3)] == [{each.pk} for each in bids]
    assert listed(client, day="2026-01-04") == set()


def test_only_own_workspaces_are_listed() -> None:
    mine, theirs = BidFactory(), BidFactory()
    viewer = client_of(person("viewer", mine.buyer.workspace))

    assert listed(viewer) == {mine.pk}
    assert listed(viewer, buyer=theirs.buyer_id) == set()
    assert viewer.get(page(Bid, "change", theirs.pk)).status_code in (302, 404)
    text = viewer.get(page(Bid, "change", mine.pk)).content.decode()
    assert "$12.50" in text
    assert mine.offer.public_id.hex[-6:] in text


def test_auction_links_to_its_bids(client: Client) -> None:
    campaign = auction_campaign()
    asked = bidder(campaign, url=ASKED)
    auction = auction_of(auctioned_lead(campaign))
    text = client.get(page(type(auction), "change", auction.pk)).content.decode()
    assert f"{page(Bid, 'changelist')}?q={auction.public_id}" in text

    endpoint = asked.buyer.endpoints.get()
    text = client.get(f"/admin/distribution/pingendpoint/{endpoint.pk}/change/").content.decode()
    assert f"{page(Bid, 'changelist')}?buyer={asked.buyer_id}" in text


def test_empty_list_says_what_to_do(client: Client) -> None:
    BidFactory(offer__opened_at=datetime.now(UTC) - timedelta(days=2), offer__kind="ping_post")
    assert (
        "Buyers bid in campaigns with the mode auction"
        in client.get(page(Bid, "changelist")).content.decode()
    )

"""What people read of an auction: operators every bid, a buyer its own rank, a winner its bid's id."""

import json
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment, Campaign, Enrollment, OfferBuyer
from routing.models import Lead
from tests.support.auctions import answer, auction_campaign, auction_of, auctioned_lead, bidder, close
from tests.support.buyer_program import Api
from tests.support.buyer_system import BuyerSystem
from tests.support.delivering import deliver_due, sign
from tests.support.factories import EndpointFactory

pytestmark = pytest.mark.usefixtures("committed_db")
ASKED = "https://bids.example.com/ping"


def sold_auction(campaign: Campaign) -> tuple[Lead, Enrollment, Enrollment, Enrollment]:
    """Bids of $40 and $30, and one that is late."""
    high, low, late = (
        bidder(campaign, url=ASKED, buyer__name=name)
        for name in ("High Roofing", "Low Roofing", "Late Roofing")
    )
    lead = auctioned_lead(campaign)
    answer(lead, high, 4_000, bid_id="B-77")
    answer(lead, low, 3_000)
    OfferBuyer.objects.filter(enrollment=late).update(asked_at=timezone.now())
    assert close(lead).result == "success"
    OfferBuyer.objects.filter(enrollment=late).update(bid_outcome="late", bid_cents=9_900, latency_ms=1_400)
    return lead, high, low, late


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


def test_drawer_shows_every_bid_with_its_time_and_rank(operator: Client) -> None:
    lead, *_ = sold_auction(auction_campaign(reserve_cents=2_000))
    page = operator.get(reverse("admin:routing_lead_trace", args=[lead.public_id])).content.decode()
    rows = re.findall(r'data-testid="trace-bid">(.*?)</tr>', page, re.DOTALL)
    cells = [[text for each in re.findall(r">([^<]+)<", row) if (text := each.strip())] for row in rows]
    assert cells == [
        ["High Roofing", "1", "$40.00", "bid", "40 ms"],
        ["Low Roofing", "2", "$30.00", "bid", "40 ms"],
        ["Late Roofing", "$99.00", "too late", "1.4 s"],
    ]
    assert "Buyers had 1.0 s to bid" in page
    assert "Reserve: $20.00." in page
    assert page.count('class="ls-bar ls-bar-late"') == 1


@pytest.mark.parametrize(("shows", "winning"), [(True, 4_000), (False, None)])
def test_loser_reads_its_rank_and_never_who_won(shows: bool, winning: int | None) -> None:  # noqa: FBT001
    campaign = auction_campaign(shows_price_to_win=shows)
    lead, high, low, _ = sold_auction(campaign)
    missed = Api(low.buyer).get(f"missed/{lead.public_id}/")
    assert (missed["reason"], missed["ranked_higher"], missed["price_cents"]) == ("outbid", 1, 3_000)
    assert missed["sentence"] == (
        "Low Roofing: its bid of $30.00 ranked 2nd. The lead was sold at another bid."
    )
    assert missed["check"]["winning_bid_cents"] in (winning, winning and winning + 1)
    text = json.dumps(missed)
    assert high.buyer.name not in text
    assert str(high.buyer.public_id) not in text
    assert shows or "40.00" not in text
    assert shows or "4000" not in text


def test_late_buyer_reads_that_it_was_late() -> None:
    lead, _, _, late = sold_auction(auction_campaign())
    missed = Api(late.buyer).get(f"missed/{lead.public_id}/")
    assert (missed["reason"], missed["fixer"], missed["check"]["winning_bid_cents"]) == (
        "bid_late",
        "buyer",
        None,
    )


def test_buyer_that_was_not_asked_reads_so(settings: Any) -> None:
    settings.LEADSWITCH_TRANSIENT_MAX_ATTEMPTS = 1
    campaign = auction_campaign()
    unasked = bidder(campaign, url=ASKED, buyer__name="Acme Roofing")
    lead = auctioned_lead(campaign)
    assert close(lead).skip_reason == "buyers_not_asked"
    missed = Api(unasked.buyer).get(f"missed/{lead.public_id}/")
    assert (missed["reason"], missed["fixer"]) == ("bid_not_asked", "system")
    assert missed["sentence"] == "Acme Roofing: its system was not asked for a bid."


def test_buyer_that_was_left_out_of_an_auction_of_others_reads_so() -> None:
    campaign = auction_campaign()
    winner = bidder(campaign, url=ASKED)
    left_out = bidder(campaign, url=ASKED, buyer__name="Acme Roofing")
    lead = auctioned_lead(campaign)
    answer(lead, winner, 4_000)
    answer(lead, left_out, None, "error", bid_reason="no free thread before the deadline", asked_at=None)
    assert close(lead).result == "success"
    missed = Api(left_out.buyer).get(f"missed/{lead.public_id}/")
    assert (missed["reason"], missed["fixer"]) == ("bid_not_asked", "system")


def test_buyer_whose_asker_died_is_not_told_that_it_was_late() -> None:
    """Its row says that it was asked, and nothing of an answer. The dispatcher closes the auction."""
    campaign = auction_campaign()
    winner = bidder(campaign, bid_cents=1_000)
    asked = bidder(campaign, url=ASKED, buyer__name="Acme Roofing")
    lead = auctioned_lead(campaign)
    OfferBuyer.objects.filter(enrollment=asked).update(asked_at=timezone.now())
    assert distribute_lead(lead.pk, at=auction_of(lead).closes_at).result == "success"
    assert Assignment.objects.get().buyer_id == winner.buyer_id
    missed = Api(asked.buyer).get(f"missed/{lead.public_id}/")
    assert (missed["reason"], missed["fixer"]) == ("bid_unknown", "system")
    assert missed["sentence"] == (
        "Acme Roofing: no answer of its system is known, because LeadSwitch was interrupted."
    )


def test_lead_comes_with_the_id_of_the_bid(system: BuyerSystem) -> None:
    campaign = auction_campaign()
    winner = bidder(campaign, url=ASKED)
    sign(EndpointFactory(buyer=winner.buyer, url=system.url))
    template = {"Bid": "{assignment.bid_id}", "Mail": "{email}"}
    EndpointFactory(buyer=winner.buyer, url=system.url, method="http", template=template)
    lead = auctioned_lead(campaign, email="maria@example.com")
    answer(lead, winner, 4_000, bid_id="B-77")
    assert close(lead).result == "success"
    deliver_due()
    bodies = [json.loads(each.body) for each in system.asked]
    assert {"Bid": "B-77", "Mail": "maria@example.com"} in bodies
    [signed] = [each for each in bodies if "Bid" not in each]
    assert signed["data"]["assignment"]["bid_id"] == "B-77"
    assert Assignment.objects.get().price_cents == 4_000

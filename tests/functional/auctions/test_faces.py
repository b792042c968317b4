"""What people read of an auction: operators every bid, a buyer its own rank, a winner its bid's id."""

import json
import re
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.explain.lead import explain
from distribution.explain.types import to_json
from distribution.models import Assignment, Campaign, Enrollment, OfferBuyer
from routing.leads.actions import rerun_lead
from routing.models import Lead
from tests.support.auctions import answer, auction_campaign, auction_of, auctioned_lead, bidder, close
from tests.support.buyer_program import Api
from tests.support.buyer_system import BuyerSystem, Reply
from tests.support.delivering import deliver_due, sign
from tests.support.factories import EndpointFactory

pytestmark = pytest.mark.usefixtures("committed_db")
ASKED = "https://bids.example.com/ping"


def sold_auction(campaign: Campaign, *failing: Enrollment) -> tuple[Lead, Enrollment, Enrollment, Enrollment]:
    """Bids of $40 and $30, and one that is late. The systems of `failing` cannot be reached."""
    high, low, late = (
        bidder(campaign, url=ASKED, buyer__name=name)
        for name in ("High Roofing", "Low Roofing", "Late Roofing")
    )
    lead = auctioned_lead(campaign)
    answer(lead, high, 4_000, bid_id="B-77")
    answer(lead, low, 3_000)
    for each in failing:
        answer(lead, each, None, "error")
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
        ["High Roofing", "1", "$40.00", "won", "40 ms"],
        ["Low Roofing", "2", "$30.00", "bid", "40 ms"],
        ["Late Roofing", "$99.00", "too late", "1.4 s"],
    ]
    assert "Buyers had 1.0 s to bid" in page
    assert "Reserve: $20.00." in page
    assert page.count('class="ls-bar ls-bar-late"') == 1
    shares = re.findall(r'data-label="Bid">.*?<rect width="([^"]+)%"', page)
    assert shares == ["40.4", "30.3", "100.0"]


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


def test_each_buyer_of_an_auction_has_its_own_reason() -> None:
    """The late bid is the highest one."""
    campaign = auction_campaign()
    failing = bidder(campaign, url=ASKED, buyer__name="Failing Roofing")
    lead, high, low, late = sold_auction(campaign, failing)
    [auction] = explain(lead).offers
    assert {each.buyer.name: (each.reason, each.sentence) for each in auction.buyers} == {
        "High Roofing": ("", "High Roofing: won with $40.00."),
        "Low Roofing": ("outbid", "Low Roofing: other bids ranked higher."),
        "Late Roofing": ("bid_late", "Late Roofing: its system did not answer in time."),
        "Failing Roofing": ("no_bid", "Failing Roofing: it made no bid."),
    }
    for buyer, reason in ((low.buyer, "outbid"), (late.buyer, "bid_late"), (failing.buyer, "no_bid")):
        history = Api(buyer).get(f"missed/{lead.public_id}/")["history"]
        assert [(each["attempt"], each["reason"]) for each in history] == [(2, reason), (1, reason)]
    assert high.buyer.name not in str(Api(low.buyer).get(f"missed/{lead.public_id}/"))


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


def explained(lead: Lead) -> Any:
    lead.refresh_from_db()
    return explain(lead)


def places_of(lead: Lead) -> list[tuple[str, str, int | None]]:
    """Of the lead's first offer: what it says of each buyer, and for how much the buyer bought the lead."""
    return [(each.sentence, each.reason, each.bought_cents) for each in explained(lead).offers[0].buyers]


def test_winner_reads_that_it_won_wherever_the_auction_is_explained() -> None:
    lead, high, low, _ = sold_auction(auction_campaign())
    assert places_of(lead)[:2] == [
        ("High Roofing: won with $40.00.", "", 4_000),
        ("Low Roofing: other bids ranked higher.", "outbid", None),
    ]
    answer_of_winner = explain(lead, buyer=high.buyer).answer
    assert answer_of_winner is not None
    assert answer_of_winner.got_it
    assert [(each.number, each.sentence, each.change) for each in answer_of_winner.attempts] == [
        (1, "High Roofing: won with $40.00.", ""),
        (2, "High Roofing: selected, rank 1, for $40.00.", ""),
    ]
    out = StringIO()
    call_command("explain", str(lead.public_id), stdout=out)
    assert "- High Roofing: won with $40.00." in out.getvalue()
    [traced] = to_json(explained(lead))["offers"]
    assert [(each["buyer"]["name"], each["bought_cents"]) for each in traced["buyers"]][:2] == [
        ("High Roofing", 4_000),
        ("Low Roofing", None),
    ]
    assert Api(high.buyer).page_through("missed/") == []
    assert [each["reason"] for each in Api(low.buyer).page_through("missed/")] == ["outbid"]


def test_winner_that_returned_the_lead_did_not_miss_it() -> None:
    lead, high, *_ = sold_auction(auction_campaign())
    Assignment.objects.update(state="returned", returned_at=timezone.now())
    assert places_of(lead)[0] == ("High Roofing: won with $40.00.", "", 4_000)
    assert Api(high.buyer).page_through("missed/") == []


def test_buyer_of_the_fallback_reads_that_it_bought_the_lead() -> None:
    campaign = auction_campaign(offer_fallback="push", fallback_mode="priority")
    one = bidder(campaign, url=ASKED, buyer__name="Slow Roofing")
    lead = auctioned_lead(campaign)
    answer(lead, one, None, "timeout")
    assert close(lead).result == "success"
    assert places_of(lead) == [("Slow Roofing: bought the lead for $25.00 after the auction.", "", 2_500)]


def test_sale_of_a_later_auction_says_nothing_about_the_first_one() -> None:
    campaign = auction_campaign(reserve_cents=3_500)
    one = bidder(campaign, url=ASKED, buyer__name="Low Roofing")
    lead = auctioned_lead(campaign)
    answer(lead, one, 3_000)
    assert close(lead).result == "unsold"
    rerun_lead(lead.pk, at=timezone.now())
    assert distribute_lead(lead.pk).result == "offered"
    answer(lead, one, 3_600)
    assert close(lead).result == "success"
    first, second = (each.buyers[0] for each in explained(lead).offers)
    assert (first.sentence, first.reason) == (
        "Low Roofing: its bid was below the reserve.",
        "bid_below_reserve",
    )
    assert (second.sentence, second.reason) == ("Low Roofing: won with $36.00.", "")


def test_winner_whose_system_is_asked_and_rejects_the_lead(system: BuyerSystem) -> None:
    system.answer_with(Reply(422), Reply(200))
    campaign = auction_campaign(sells_on="acceptance")
    high, low = (bidder(campaign, url=ASKED, buyer__name=f"{name} Roofing") for name in ("High", "Low"))
    for each in (high, low):
        sign(EndpointFactory(buyer=each.buyer, url=system.url))
    lead = auctioned_lead(campaign)
    answer(lead, high, 4_000)
    answer(lead, low, 3_000)
    assert close(lead).result == "posting"
    asked = "won with $40.00, and its system is asked whether it accepts the lead"
    assert places_of(lead)[0] == (f"High Roofing: {asked}.", "", 4_000)
    deliver_due()
    assert distribute_lead(lead.pk).result == "posting"
    deliver_due()
    assert places_of(lead) == [
        ("High Roofing: its system rejected this lead.", "rejected_lead", None),
        ("Low Roofing: won with $30.00.", "", 3_000),
    ]
    assert [each["reason"] for each in Api(high.buyer).page_through("missed/")] == ["rejected_lead"]
    assert Api(low.buyer).page_through("missed/") == []


def test_buyer_skipped_at_the_opening_keeps_that_reason() -> None:
    """It bids $90.00 and has only $45.00."""
    campaign = auction_campaign()
    winner = bidder(campaign, url=ASKED)
    poor = bidder(campaign, buyer__name="Poor Roofing", buyer__credits_cents=4_500, bid_cents=9_000)
    lead = auctioned_lead(campaign)
    answer(lead, winner, 4_000)
    close(lead)

    [missed] = Api(poor.buyer).page_through("missed/")
    assert (missed["reason"], missed["attempts"], missed["change"]) == (
        "insufficient_credits",
        1,
        "top up $45.00",
    )
    lead.refresh_from_db()
    said = explain(lead, buyer=poor.buyer).answer
    assert said is not None
    assert said.sentence == (
        "Poor Roofing did not get this lead. Poor Roofing: its balance is too low: the price is $90.00, and only "
        "$45.00 is available."
    )
    assert (said.attempts[1].sentence, said.attempts[1].change) == (
        "Poor Roofing: it was not in the auction: it was skipped, or not enrolled yet, when that opened.",
        "",
    )


def test_buyer_whose_system_is_down_reads_that() -> None:
    campaign = auction_campaign()
    winner, down = (bidder(campaign, url=ASKED, buyer__name=f"{name} Roofing") for name in ("High", "Down"))
    lead = auctioned_lead(campaign)
    answer(lead, winner, 4_000)
    answer(lead, down, None, "error")
    close(lead)
    missed = Api(down.buyer).get(f"missed/{lead.public_id}/")
    assert (missed["reason"], missed["sentence"], missed["change"]) == (
        "no_bid",
        "Down Roofing: its system could not be asked for a bid, and it has no standing bid.",
        "let its ping endpoint be reached, or have a standing bid",
    )
    assert [(each["attempt"], each["reason"]) for each in missed["history"]] == [(2, "no_bid"), (1, "no_bid")]


def test_late_bid_that_was_the_highest_was_late_and_not_outbid() -> None:
    lead, _, _, late = sold_auction(auction_campaign())
    history = Api(late.buyer).get(f"missed/{lead.public_id}/")["history"]
    assert [(each["attempt"], each["reason"]) for each in history] == [(2, "bid_late"), (1, "bid_late")]


def test_answer_for_one_buyer_names_its_rank() -> None:
    lead, _, low, _ = sold_auction(auction_campaign())
    lead.refresh_from_db()
    said = explain(lead, buyer=low.buyer).answer
    assert said is not None
    assert said.sentence == (
        "Low Roofing did not get this lead. Low Roofing: other bids ranked higher (rank 2)."
    )


def test_list_of_offers_tells_an_auction_that_sold_from_one_that_did_not(operator: Client) -> None:
    sold, *_ = sold_auction(auction_campaign())
    campaign = auction_campaign(reserve_cents=3_500)
    low = bidder(campaign, url=ASKED)
    unsold = auctioned_lead(campaign)
    answer(unsold, low, 3_000)
    close(unsold)
    page = operator.get(reverse("admin:distribution_offer_changelist")).content.decode()
    rows = re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)
    cells = {
        lead.pk: [
            re.findall(rf'<td class="field-{name}[^>]*>(.*?)</td>', row)[0]
            for name in ("bought", "end_shown")
        ]
        for lead in (sold, unsold)
        for row in rows
        if str(lead.public_id) in row
    }
    assert cells == {
        sold.pk: ["1 of 1", "sold to the best bid"],
        unsold.pk: ["0 of 1", "all bids were in"],
    }


def test_buyer_without_a_bid_reads_no_price() -> None:
    campaign = auction_campaign()
    winner, silent = (bidder(campaign, url=ASKED) for _ in range(2))
    away = bidder(campaign, buyer__service_area={"states": ["TX"]})
    lead = auctioned_lead(campaign)
    answer(lead, winner, 4_000)
    answer(lead, silent, None, "no_bid")
    close(lead)
    missed = [Api(each.buyer).get(f"missed/{lead.public_id}/") for each in (silent, away)]
    assert [(each["reason"], each["price_cents"]) for each in missed] == [
        ("no_bid", None),
        ("outside_service_area", None),
    ]


def test_trace_says_how_long_a_silent_buyer_was_waited_for() -> None:
    campaign = auction_campaign(bid_deadline_ms=1_500)
    winner, silent = (
        bidder(campaign, url=ASKED, buyer__name=f"{name} Roofing") for name in ("High", "Silent")
    )
    lead = auctioned_lead(campaign)
    answer(lead, winner, 4_000)
    OfferBuyer.objects.filter(enrollment=silent).update(asked_at=auction_of(lead).opened_at)
    close(lead)
    steps = [step.sentence for step in explained(lead).attempts[1].steps]
    assert "Silent Roofing: did not answer within 1.5 s." in steps
    assert "Without an auction, the price is $25.00." in steps

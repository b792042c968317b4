"""What other bids would have won: standing bids are made again, answers of systems stay, and doubt is said."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from distribution.api.whatifdocuments import EffectDocument
from distribution.models import Buyer, Campaign, Enrollment, OfferBuyer
from tests.support.auctions import answer, auction_campaign, auctioned_lead, bidder, close
from tests.support.described import assert_described
from tests.support.factories import issue_buyer_key

pytestmark = pytest.mark.django_db
ASKED = "https://bids.example.com/ping"
HIGHER = {"bid_cents": 4_100}
IN_GEORGIA = {"field": "state", "op": "eq", "value": "GA"}
IN_ALABAMA = {"field": "state", "op": "eq", "value": "AL"}


@pytest.fixture
def campaign() -> Campaign:
    return auction_campaign()


def ask_all(loser: Enrollment, change: dict[str, Any], **account: Any) -> dict[str, Any]:
    client = Client(headers={"Authorization": f"Api-Key {issue_buyer_key(loser.buyer)}"})
    body = {"enrollments": {str(loser.campaign.public_id): change}, **account}
    answer = client.post("/api/v1/buyer/whatif/", body, content_type="application/json")
    assert answer.status_code == 200, answer.content
    shown: dict[str, Any] = answer.json()
    assert_described(shown, EffectDocument())
    return shown


def ask(loser: Enrollment, change: dict[str, Any], **account: Any) -> tuple[Any, ...]:
    """How many leads were replayed, won, for how much, why not the others, and what was not replayed."""
    effect = ask_all(loser, change, **account)
    reasons = [each["reason"] for each in effect["remaining"]]
    left_out = [(each["why"], each["leads"]) for each in effect["left_out"]]
    return effect["checked"], effect["won"], effect["spent_cents"], reasons, left_out


LOST: tuple[Any, ...] = (1, 0, 0, ["outbid"], [])
WON: tuple[Any, ...] = (1, 1, 4_100, [], [])
UNKNOWN: tuple[Any, ...] = (0, 0, 0, [], [("unknown_bid", 1)])


@pytest.mark.parametrize(
    ("change", "effect"),
    [
        (HIGHER, WON),
        ({"bid_cents": 3_900}, LOST),
        ({"standing_bids": [{"when": IN_GEORGIA, "bid_cents": 4_100}]}, WON),
        ({"standing_bids": [{"when": IN_ALABAMA, "bid_cents": 4_100}]}, LOST),
        ({}, LOST),
    ],
)
def test_standing_bid_is_made_again(campaign: Campaign, change: dict[str, Any], effect: Any) -> None:
    bidder(campaign, bid_cents=4_000)
    loser = bidder(campaign, bid_cents=3_000)
    assert close(auctioned_lead(campaign, state="GA")).result == "success"
    assert ask(loser, change) == effect


def test_bid_that_is_changed_since_is_asked_for_the_leads_before(campaign: Campaign) -> None:
    bidder(campaign, bid_cents=4_000)
    loser = bidder(campaign, bid_cents=3_000)
    close(auctioned_lead(campaign))
    Enrollment.objects.filter(pk=loser.pk).update(bid_cents=4_100)
    assert ask(loser, HIGHER) == WON
    assert ask(loser, {}) == LOST


def test_buyer_without_a_bid_gets_one(campaign: Campaign) -> None:
    bidder(campaign, bid_cents=4_000)
    loser = bidder(campaign)
    close(auctioned_lead(campaign))
    assert ask(loser, {}) == (1, 0, 0, ["no_bid"], [])
    assert ask(loser, HIGHER) == WON
    assert ask(loser, {"bid_cents": 3_900}) == LOST


@pytest.mark.parametrize(
    ("bid_cents", "outcome", "reason"),
    [(3_000, "bid", "outbid"), (None, "no_bid", "no_bid"), (None, "refused", "no_bid")],
)
def test_answer_of_a_system_stays(
    campaign: Campaign, bid_cents: int | None, outcome: str, reason: str
) -> None:
    """Also a bid that is the same as the standing one."""
    bidder(campaign, bid_cents=4_000)
    loser = bidder(campaign, url=ASKED, bid_cents=bid_cents)
    lead = auctioned_lead(campaign)
    answer(lead, loser, bid_cents, outcome)
    close(lead)
    assert ask(loser, HIGHER) == (1, 0, 0, [reason], [])


@pytest.mark.parametrize("outcome", ["error", "timeout"])
@pytest.mark.parametrize("bid_cents", [None, 3_000])
def test_standing_bid_takes_the_place_of_no_answer(
    campaign: Campaign, outcome: str, bid_cents: int | None
) -> None:
    bidder(campaign, bid_cents=4_000)
    loser = bidder(campaign, url=ASKED, bid_cents=bid_cents)
    lead = auctioned_lead(campaign)
    answer(lead, loser, None, outcome)
    close(lead)
    assert ask(loser, HIGHER) == WON


def test_higher_bid_needs_its_money(campaign: Campaign) -> None:
    bidder(campaign, bid_cents=4_000)
    loser = bidder(campaign, bid_cents=3_000, buyer__credits_cents=4_000)
    close(auctioned_lead(campaign))
    assert ask(loser, HIGHER) == (1, 0, 0, ["insufficient_credits"], [])


GEORGIA = {"service_area": {"states": ["AL", "GA"]}}


def test_buyer_that_was_not_in_the_auction_takes_part_with_its_standing_bid(campaign: Campaign) -> None:
    bidder(campaign, bid_cents=4_000)
    loser = bidder(campaign, bid_cents=4_100, buyer__service_area={"states": ["AL"]})
    close(auctioned_lead(campaign, state="GA"))
    assert ask(loser, {}) == (1, 0, 0, ["outside_service_area"], [])
    assert ask(loser, {}, **GEORGIA) == WON
    assert ask(loser, {"bid_cents": 3_900}, **GEORGIA) == LOST


def test_nobody_knows_what_a_system_would_have_bid(campaign: Campaign) -> None:
    bidder(campaign, bid_cents=4_000)
    loser = bidder(campaign, url=ASKED, bid_cents=3_000, buyer__service_area={"states": ["AL"]})
    lead = auctioned_lead(campaign, state="GA")
    close(lead)
    assert ask(loser, HIGHER) == (1, 0, 0, ["outside_service_area"], [])
    assert ask(loser, HIGHER, **GEORGIA) == UNKNOWN


def test_doubtful_bid_uses_up_nothing(campaign: Campaign) -> None:
    """The lead of the fallback is in doubt: with the bid, the auction would have sold it."""
    Campaign.objects.filter(pk=campaign.pk).update(offer_fallback="push", reserve_cents=3_500)
    loser = bidder(campaign, bid_cents=3_000, cap_day=1)
    assert close(auctioned_lead(campaign)).result != "success"
    Campaign.objects.filter(pk=campaign.pk).update(reserve_cents=None)
    bidder(campaign, bid_cents=4_000)
    close(auctioned_lead(campaign))
    assert ask(loser, HIGHER) == (1, 1, 4_100, [], [("unknown_bid", 1)])


def test_paused_buyer_was_paused_then(campaign: Campaign) -> None:
    bidder(campaign, bid_cents=4_000)
    loser = bidder(campaign, bid_cents=4_100)
    Buyer.objects.filter(pk=loser.buyer_id).update(paused_at=timezone.now(), is_paused_by_buyer=True)
    close(auctioned_lead(campaign))
    Buyer.objects.filter(pk=loser.buyer_id).update(paused_at=None, is_paused_by_buyer=False)
    assert ask_all(loser, {})["remaining"] == [
        {"reason": "buyer_paused", "sentence": "The buyer was paused then.", "leads": 1}
    ]
    assert ask(loser, {}, paused=False) == WON


def test_auction_whose_places_are_gone_is_in_doubt(campaign: Campaign) -> None:
    bidder(campaign, bid_cents=4_000)
    loser = bidder(campaign)
    close(auctioned_lead(campaign))
    OfferBuyer.objects.filter(enrollment=loser).delete()
    assert ask(loser, HIGHER) == UNKNOWN

"""Pings for auctions: standing bids, the reserve or the fallback make the promised price, and lower bids do not win."""

from typing import Any

import pytest
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment, Campaign, OfferBuyer, PayableEntry
from routing.models import Lead, Source
from tests.support.auctions import answer, auction_campaign, bidder, close
from tests.support.factories import CampaignFactory, EnrollmentFactory
from tests.support.offers import assert_everything_holds
from tests.support.payables import build_source
from tests.support.pinging import PingingSource
from tracing.models import LeadDistributionEvent

pytestmark = pytest.mark.usefixtures("committed_db")

ASKED = "https://bids.example.com/ping"
HIGH, MIDDLE, LOW = 4_000, 3_000, 2_000


def source_of(campaign: Campaign) -> PingingSource:
    """Its source gets half of the revenue."""
    return PingingSource(build_source(campaign, pays="share", amount_cents=None, share_bps=5_000))


def send(sender: PingingSource, ping_id: str) -> Lead:
    assert sender.post_lead(ping_id, wait_seconds=0).status_code == 201
    lead = Lead.objects.get()
    assert distribute_lead(lead.pk).result == "offered"
    lead.refresh_from_db()
    return lead


def skips_of(lead: Lead) -> dict[int, str]:
    events = LeadDistributionEvent.objects.filter(event="buyer_skipped", lead_id=lead.pk)
    return dict(events.values_list("buyer_id", "skip_reason"))


def sales() -> list[tuple[int, int]]:
    return list(Assignment.objects.values_list("buyer_id", "price_cents"))


def test_standing_bid_of_the_highest_rank_makes_the_price() -> None:
    """The higher bid has so much margin that it ranks below the lower one."""
    campaign = auction_campaign()
    bidder(campaign, bid_cents=HIGH, margin_bps=5_000)
    bidder(campaign, bid_cents=MIDDLE)
    sender = source_of(campaign)
    assert sender.ping()["price_cents"] == MIDDLE // 2

    send(sender, sender.get_ping_id())

    close(Lead.objects.get())
    assert PayableEntry.objects.get().amount_cents == MIDDLE // 2
    assert_everything_holds()


def test_returned_leads_lower_the_rank_of_a_standing_bid() -> None:
    campaign = auction_campaign(penalizes_returns=True)
    returning = bidder(campaign, bid_cents=HIGH)
    sender = source_of(campaign)
    send(sender, sender.get_ping_id())
    close(Lead.objects.get())
    assert sales() == [(returning.buyer_id, HIGH)]
    Assignment.objects.update(state="returned", returned_at=timezone.now())
    bidder(campaign, bid_cents=LOW)

    assert sender.ping(attributes={"roof_age": 13})["price_cents"] == LOW // 2


def test_standing_bid_of_a_buyer_that_is_asked_promises_nothing() -> None:
    campaign = auction_campaign()
    bidder(campaign, url=ASKED, bid_cents=HIGH)
    body = source_of(campaign).ping()
    assert (body["outcome"], body["reason"], body["fixer"]) == ("no_price", "no_certain_price", "operator")
    assert body["message"] == (
        "Buyers decide about each lead what they pay for it, so no price can be promised before."
    )


def test_reserve_is_promised_if_buyers_are_asked() -> None:
    campaign = auction_campaign(reserve_cents=LOW)
    bidder(campaign, url=ASKED)
    bidder(campaign, bid_cents=LOW - 1)
    assert source_of(campaign).ping()["price_cents"] == LOW // 2


@pytest.mark.parametrize(("standing", "reason"), [(LOW - 1, "below_reserve"), (None, "no_bids")])
def test_reserve_that_nobody_can_pay_promises_nothing(standing: int | None, reason: str) -> None:
    campaign = auction_campaign(reserve_cents=LOW)
    bidder(campaign, bid_cents=standing)
    assert source_of(campaign).ping()["reason"] == reason


def test_fallback_makes_the_price_if_no_bid_is_certain() -> None:
    campaign = auction_campaign(offer_fallback="push", fallback_mode="priority", price_cents=LOW)
    one = bidder(campaign, url=ASKED)
    sender = source_of(campaign)
    assert sender.ping()["price_cents"] == LOW // 2
    lead = send(sender, sender.get_ping_id())
    answer(lead, one, LOW - 2)

    assert close(lead).result == "success"

    assert sales() == [(one.buyer_id, LOW)]
    assert_everything_holds()


def test_next_campaign_makes_the_price_and_takes_the_lead() -> None:
    """The ping is one for the auction, which takes the lead first."""
    campaign = auction_campaign(offer_fallback="next_campaign")
    asked = bidder(campaign, url=ASKED)
    following = CampaignFactory.create(workspace=campaign.workspace, price_cents=MIDDLE)
    last = EnrollmentFactory.create(campaign=following, buyer__credits_cents=100_000)
    sender = source_of(campaign)
    assert sender.ping()["price_cents"] == MIDDLE // 2

    lead = send(sender, sender.get_ping_id())
    assert lead.status == "offered"
    answer(lead, asked, None, "no_bid")
    assert close(lead).result == "success"

    assert sales() == [(last.buyer_id, MIDDLE)]
    assert_everything_holds()


def test_live_bid_below_the_promise_does_not_win() -> None:
    """It ranks first, because the standing bid has a margin."""
    campaign = auction_campaign()
    standing = bidder(campaign, bid_cents=MIDDLE, margin_bps=5_000)
    live = bidder(campaign, url=ASKED)
    sender = source_of(campaign)
    lead = send(sender, sender.get_ping_id())
    answer(lead, live, LOW)

    assert close(lead).result == "success"

    assert sales() == [(standing.buyer_id, MIDDLE)]
    assert skips_of(lead) == {live.buyer_id: "below_promised_price"}
    assert OfferBuyer.objects.get(enrollment=live).bid_outcome == "bid"
    assert_everything_holds()


def test_live_bid_above_the_promise_pays_the_source_more() -> None:
    campaign = auction_campaign()
    bidder(campaign, bid_cents=MIDDLE)
    live = bidder(campaign, url=ASKED)
    sender = source_of(campaign)
    lead = send(sender, sender.get_ping_id())
    answer(lead, live, HIGH)

    close(lead)

    assert sales() == [(live.buyer_id, HIGH)]
    assert PayableEntry.objects.get().amount_cents == HIGH // 2
    assert_everything_holds()


def test_nobody_bids_what_was_promised() -> None:
    """The standing bid was lowered after the ping."""
    campaign = auction_campaign()
    standing = bidder(campaign, bid_cents=MIDDLE)
    sender = source_of(campaign)
    ping_id = sender.get_ping_id()
    standing.bid_cents = LOW
    standing.save(update_fields=["bid_cents"])
    Source.objects.update(after_promise="end")

    lead = send(sender, ping_id)
    outcome: Any = close(lead)

    assert (outcome.result, outcome.skip_reason) == ("unsold", "below_promised_price")
    assert skips_of(lead) == {standing.buyer_id: "below_promised_price"}
    assert sales() == []
    assert_everything_holds()


def test_nobody_passes_the_gates() -> None:
    campaign = auction_campaign(reserve_cents=LOW)
    bidder(campaign, url=ASKED, cap_day=0)
    assert source_of(campaign).ping()["reason"] == "all_buyers_capped"

"""Auctions from their opening to the sale: bids are written as the asker writes them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.explain.lead import explain
from distribution.models import Assignment, Campaign, LedgerEntry, Offer
from routing.leads.actions import rerun_lead
from routing.models import Lead
from tests.support.auctions import (
    answer,
    auction_campaign,
    auction_of,
    auctioned_lead,
    bidder,
    bids_of,
    close,
)
from tests.support.blocking import holding, short_lock_timeout
from tests.support.buyer_system import BuyerSystem, Reply
from tests.support.delivering import deliver_due, sign
from tests.support.factories import EndpointFactory
from tests.support.holds import attempts_of
from tests.support.offers import assert_everything_holds, lead_of, offering_campaign, open_offer_of
from tracing.models import LeadDistributionEvent

pytestmark = pytest.mark.usefixtures("committed_db")
ASKED = "https://bids.example.com/ping"
HIGH, LOW = 4_000, 3_000
AT = datetime(2026, 3, 2, 15, tzinfo=UTC)


def sales() -> list[tuple[int, int, str]]:
    return list(Assignment.objects.order_by("pk").values_list("buyer_id", "price_cents", "state"))


def test_best_bid_pays_what_it_bid() -> None:
    campaign = auction_campaign()
    first, second, third = (bidder(campaign, url=ASKED) for _ in range(3))
    lead = auctioned_lead(campaign)
    auction = auction_of(lead)
    assert (auction.kind, auction.state, auction.partial) == (
        "auction",
        "open",
        {"zip3": "303", "state": "GA", "attributes.roof_age": 12},
    )
    answer(lead, first, LOW)
    answer(lead, second, HIGH, bid_id="B-2")
    answer(lead, third, None, "no_bid", bid_reason="not this week")

    outcome = close(lead)

    assert (outcome.result, outcome.charged_cents) == ("success", HIGH)
    assert sales() == [(second.buyer_id, HIGH, "sold")]
    auction.refresh_from_db()
    assert (auction.state, auction.end_reason) == ("closed", "bids_in")
    assert bids_of(lead, "rank", "rank_value_cents") == {
        second.buyer_id: [1, HIGH],
        first.buyer_id: [2, LOW],
        third.buyer_id: [None, None],
    }
    skips = LeadDistributionEvent.objects.filter(event="buyer_skipped").values_list("buyer_id", "skip_reason")
    assert dict(skips) == {first.buyer_id: "outbid", third.buyer_id: "no_bid"}
    assert attempts_of(lead)[0] == ("ingest", "offered", "", ["auction_opened"])
    assert_everything_holds()


def test_standing_bids_take_part_beside_live_ones() -> None:
    """One replaces a standing bid by a live one, one does not answer, one is not asked, and one has nothing."""
    campaign = auction_campaign()
    rules = [{"when": {"field": "state", "op": "eq", "value": "GA"}, "bid_cents": 3_500}]
    live = bidder(campaign, url=ASKED, bid_cents=9_000)
    silent = bidder(campaign, url=ASKED, standing_bids=rules)
    declining = bidder(campaign, url=ASKED, bid_cents=9_000)
    standing = bidder(campaign, bid_cents=3_499)
    nothing = bidder(campaign)
    lead = auctioned_lead(campaign)
    answer(lead, live, 1_000)
    answer(lead, declining, None, "no_bid")

    close(lead)

    assert sales() == [(silent.buyer_id, 3_500, "sold")]
    assert bids_of(lead, "bid_outcome", "rank") == {
        live.buyer_id: ["bid", 3],
        silent.buyer_id: ["", 1],
        declining.buyer_id: ["no_bid", None],
        standing.buyer_id: ["standing", 2],
        nothing.buyer_id: ["no_bid", None],
    }
    assert auction_of(lead).end_reason == "window_over"
    assert_everything_holds()


def test_auction_ends_no_later_than_the_lead() -> None:
    """A quarter of a second before that, the bids are written."""
    campaign = auction_campaign(bid_deadline_ms=10_000)
    bidder(campaign, url=ASKED)
    expires_at = AT + timedelta(seconds=0.9)
    lead = lead_of(campaign, at=AT, expires_at=expires_at)
    assert distribute_lead(lead.pk, at=AT).next_attempt_at == expires_at
    assert auction_of(lead).closes_at == expires_at
    opened = LeadDistributionEvent.objects.get(event="auction_opened")
    assert opened.data["deadline_ms"] == 650


LAST_MOMENT = AT + timedelta(seconds=0.2)


def test_lead_that_expires_too_soon_to_ask_is_sold_by_standing_bids_at_once() -> None:
    campaign = auction_campaign()
    asked = bidder(campaign, url=ASKED, bid_cents=LOW)
    winner, silent = bidder(campaign, bid_cents=HIGH), bidder(campaign, url=ASKED)
    lead = lead_of(campaign, at=AT, expires_at=LAST_MOMENT)

    assert distribute_lead(lead.pk, at=AT).next_attempt_at == AT
    opened = LeadDistributionEvent.objects.get(event="auction_opened")
    assert (opened.data["deadline_ms"], {each["is_asked"] for each in opened.data["shown"]}) == (0, {False})
    assert distribute_lead(lead.pk, at=AT).result == "success"

    assert sales() == [(winner.buyer_id, HIGH, "sold")]
    assert bids_of(lead, "bid_outcome", "bid_reason", "rank") == {
        asked.buyer_id: ["error", "no time to ask before the lead expires", 2],
        winner.buyer_id: ["standing", "", 1],
        silent.buyer_id: ["error", "no time to ask before the lead expires", None],
    }
    skips = LeadDistributionEvent.objects.filter(event="buyer_skipped").values_list("buyer_id", "skip_reason")
    assert dict(skips) == {asked.buyer_id: "outbid", silent.buyer_id: "bid_not_asked"}
    [offer] = explain(Lead.objects.get()).offers
    assert {each.buyer.public_id: each.reason for each in offer.buyers} == {
        asked.buyer.public_id: "outbid",
        winner.buyer.public_id: "",
        silent.buyer.public_id: "bid_not_asked",
    }
    assert_everything_holds()


def test_lead_that_expires_too_soon_to_ask_goes_on_with_the_fallback() -> None:
    campaign = pushing_campaign()
    one = bidder(campaign, url=ASKED)
    lead = lead_of(campaign, at=AT, expires_at=LAST_MOMENT)
    assert distribute_lead(lead.pk, at=AT).result == "offered"
    assert distribute_lead(lead.pk, at=AT).result == "success"
    assert sales() == [(one.buyer_id, 2_500, "sold")]
    assert_everything_holds()


def test_auction_of_standing_bids_alone_is_due_at_once() -> None:
    campaign = auction_campaign()
    bidder(campaign, bid_cents=LOW)
    winner = bidder(campaign, bid_cents=HIGH)
    lead = auctioned_lead(campaign)
    assert distribute_lead(lead.pk).result == "success"
    assert sales() == [(winner.buyer_id, HIGH, "sold")]
    assert_everything_holds()


@pytest.mark.parametrize(
    ("reserve", "bid", "reason"), [(None, None, "no_bids"), (5_000, HIGH, "below_reserve")]
)
def test_lead_without_a_winning_bid_says_why(reserve: int | None, bid: int | None, reason: str) -> None:
    campaign = auction_campaign(reserve_cents=reserve)
    one = bidder(campaign, url=ASKED)
    lead = auctioned_lead(campaign)
    answer(lead, one, bid, "bid" if bid else "timeout")
    outcome = close(lead)
    assert (outcome.result, outcome.skip_reason) == ("unsold", reason)
    assert sales() == []
    assert_everything_holds()


def test_auction_in_which_nobody_was_asked_is_opened_again() -> None:
    """No deliverer runs. That is no answer of the buyers, so neither a standing bid nor the fallback counts."""
    campaign = auction_campaign(offer_fallback="push", fallback_mode="priority")
    one = bidder(campaign, url=ASKED, bid_cents=LOW)
    bidder(campaign, bid_cents=LOW)
    lead = auctioned_lead(campaign)

    outcome = close(lead)

    assert (outcome.result, outcome.skip_reason) == ("retry", "buyers_not_asked")
    assert sales() == []
    assert not LeadDistributionEvent.objects.filter(event="bid_received").exists()
    assert distribute_lead(lead.pk, at=outcome.next_attempt_at).result == "offered"
    answer(lead, one, HIGH)
    assert close(lead).result == "success"
    assert sales() == [(one.buyer_id, HIGH, "sold")]
    assert_everything_holds()


def test_auction_that_is_opened_again_is_not_preceded_by_the_offers_of_its_chain() -> None:
    offering = offering_campaign(buyers=1, offer_fallback="next_campaign", priority=9)
    auction = auction_campaign(workspace=offering.workspace, offer_fallback="next_campaign")
    bidder(auction, url=ASKED)
    lead = open_offer_of(offering, at=timezone.now()).lead
    assert close(lead).result == "offered"
    again = close(lead)
    assert (again.result, again.skip_reason) == ("retry", "buyers_not_asked")

    assert distribute_lead(lead.pk, at=again.next_attempt_at).result == "offered"

    offers = Offer.objects.order_by("pk").values_list("campaign_id", "passed_campaign_ids")
    assert list(offers) == [(offering.pk, []), (auction.pk, [offering.pk]), (auction.pk, [offering.pk])]
    assert_everything_holds()


HOLD_BUYERS = "SELECT 1 FROM distribution_buyer FOR UPDATE"


def test_run_again_after_a_lock_timeout_begins_with_the_first_campaign() -> None:
    """The auctions of the run before had answers, so a lock timeout of the next run passes none of them."""
    first = auction_campaign(offer_fallback="next_campaign", priority=9)
    second = auction_campaign(workspace=first.workspace)
    buyers = [bidder(each, url=ASKED) for each in (first, second)]
    lead = auctioned_lead(first)
    answer(lead, buyers[0], None, "no_bid")
    assert close(lead).result == "offered"
    answer(lead, buyers[1], None, "no_bid")
    assert close(lead).result == "unsold"
    rerun_lead(lead.pk, at=timezone.now())
    with short_lock_timeout(), holding(HOLD_BUYERS):
        failed = distribute_lead(lead.pk)
    assert (failed.result, failed.skip_reason) == ("retry", "database_timeout")

    assert distribute_lead(lead.pk, at=failed.next_attempt_at).result == "offered"

    assert (auction_of(lead).campaign_id, auction_of(lead).passed_campaign_ids) == (first.pk, [])
    assert_everything_holds()


def test_conflict_after_a_canceled_auction_begins_with_the_first_campaign() -> None:
    """The lead was sold by hand and returned before a buyer was asked in the second auction."""
    first = auction_campaign(offer_fallback="next_campaign", priority=9)
    second = auction_campaign(workspace=first.workspace)
    buyers = [bidder(each, url=ASKED) for each in (first, second)]
    lead = auctioned_lead(first)
    answer(lead, buyers[0], None, "no_bid")
    assert close(lead).result == "offered"
    Lead.objects.filter(pk=lead.pk).update(status="pending", conflicts=1, next_attempt_at=timezone.now())
    assert auction_of(lead).end_reason == "canceled"

    assert distribute_lead(lead.pk).result == "offered"

    assert (auction_of(lead).campaign_id, auction_of(lead).passed_campaign_ids) == (first.pk, [])
    assert_everything_holds()


def test_lead_is_parked_when_no_deliverer_comes_back(settings: Any) -> None:
    settings.LEADSWITCH_TRANSIENT_MAX_ATTEMPTS = 2
    campaign = auction_campaign()
    bidder(campaign, url=ASKED)
    lead = auctioned_lead(campaign)
    at = close(lead).next_attempt_at
    assert distribute_lead(lead.pk, at=at).result == "offered"
    assert close(lead).result == "failed"
    lead.refresh_from_db()
    assert (lead.status, lead.skip_reason) == ("failed", "buyers_not_asked")
    assert_everything_holds()


def pushing_campaign(**changes: Any) -> Campaign:
    return auction_campaign(
        **{"offer_fallback": "push", "fallback_mode": "priority", "price_cents": 2_500, **changes}
    )


def test_fallback_pushes_the_lead_in_the_same_attempt() -> None:
    campaign = pushing_campaign()
    one = bidder(campaign, url=ASKED)
    lead = auctioned_lead(campaign)
    answer(lead, one, None, "timeout")
    assert close(lead).result == "success"
    assert sales() == [(one.buyer_id, 2_500, "sold")]
    assert [result for _, result, _, _ in attempts_of(lead)] == ["offered", "success"]
    assert_everything_holds()


def test_push_sells_at_the_reserve_if_that_is_more_than_the_price() -> None:
    campaign = pushing_campaign(reserve_cents=4_000)
    one = bidder(campaign, url=ASKED)
    lead = auctioned_lead(campaign)
    answer(lead, one, None, "timeout")
    close(lead)
    assert sales() == [(one.buyer_id, 4_000, "sold")]
    assert_everything_holds()


@pytest.mark.parametrize(
    ("bid_cents", "outcome", "reason", "skipped"),
    [
        (None, "no_bid", "no_bids", "no_bid"),
        (None, "refused", "no_bids", "no_bid"),
        (3_999, "bid", "below_reserve", "bid_below_reserve"),
        (1, "bid", "below_reserve", "bid_below_reserve"),
    ],
)
def test_push_asks_no_buyer_that_wants_the_lead_for_less_or_not_at_all(
    bid_cents: int | None, outcome: str, reason: str, skipped: str
) -> None:
    """Else the lowest bid would buy the lead below the reserve, and a buyer that declined would be charged."""
    campaign = pushing_campaign(reserve_cents=4_000)
    one = bidder(campaign, url=ASKED, bid_cents=1)
    lead = auctioned_lead(campaign)
    answer(lead, one, bid_cents, outcome)
    outcome_of_attempt = close(lead)
    assert (outcome_of_attempt.result, outcome_of_attempt.skip_reason) == ("unsold", reason)
    assert sales() == []
    [event] = LeadDistributionEvent.objects.filter(event="buyer_skipped", buyer_id=one.buyer_id)
    assert event.skip_reason == skipped
    assert_everything_holds()


def test_post_goes_down_the_ranks_until_a_buyer_accepts(system: BuyerSystem) -> None:
    system.answer_with(Reply(422), Reply(200))
    campaign = auction_campaign(sells_on="acceptance")
    low, high, middle = (bidder(campaign, url=ASKED) for _ in range(3))
    for each in (low, high, middle):
        sign(EndpointFactory(buyer=each.buyer, url=system.url))
    lead = auctioned_lead(campaign)
    for each, cents in ((low, LOW), (high, HIGH), (middle, 3_500)):
        answer(lead, each, cents)
    assert close(lead).result == "posting"
    [held] = Assignment.objects.filter(state="held")
    assert (held.buyer_id, held.price_cents) == (high.buyer_id, HIGH)

    deliver_due()
    assert distribute_lead(lead.pk).result == "posting"

    [held] = Assignment.objects.filter(state="held")
    assert (held.buyer_id, held.price_cents) == (middle.buyer_id, 3_500)
    deliver_due()
    assert sales() == [(high.buyer_id, HIGH, "rejected"), (middle.buyer_id, 3_500, "sold")]
    charged = LedgerEntry.objects.filter(kind="capture").values_list("amount_cents", flat=True)
    assert list(charged) == [-3_500]
    assert LeadDistributionEvent.objects.filter(event="bid_received").count() == 3
    assert_everything_holds()


def test_returns_lower_the_rank_of_a_bid() -> None:
    campaign = auction_campaign(penalizes_returns=True)
    returning, keeping = (bidder(campaign, bid_cents=cents) for cents in (HIGH, LOW))
    sold = auctioned_lead(campaign)
    distribute_lead(sold.pk)
    Assignment.objects.update(state="returned", returned_at=timezone.now())
    lead = auctioned_lead(campaign)
    distribute_lead(lead.pk)
    assert bids_of(lead, "returned_bps", "rank_value_cents") == {
        returning.buyer_id: [10_000, 0],
        keeping.buyer_id: [0, LOW],
    }
    assert Assignment.objects.get(lead=lead).buyer_id == keeping.buyer_id

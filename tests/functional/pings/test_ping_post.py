"""Pings for campaigns in which a buyer claims a lead: the promised price is the lowest that a claim can bring."""

from datetime import timedelta
from typing import Any

import pytest

from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment, Campaign, Enrollment, Offer, OfferBuyer, PayableEntry
from distribution.offers.claim import claim_offer
from routing.models import Lead, Source
from tests.support.factories import CampaignFactory, EnrollmentFactory
from tests.support.offers import assert_everything_holds
from tests.support.payables import build_source
from tests.support.pinging import PingingSource
from tracing.models import LeadDistributionEvent

pytestmark = pytest.mark.usefixtures("committed_db")

DEAR_CENTS, CHEAP_CENTS = 4_000, 3_000
SHARE = {"pays": "share", "amount_cents": None, "share_bps": 5_000}


def build(**campaign: Any) -> tuple[Campaign, Enrollment, Enrollment]:
    """A dear and a cheap buyer. The fallback sells to the dear one first."""
    given = {"mode": "ping_post", "price_cents": 2_500, "offer_fields": ["zip3"], "fallback_mode": "price"}
    made = CampaignFactory.create(**{**given, **campaign})
    dear, cheap = (
        EnrollmentFactory.create(campaign=made, bid_cents=cents, buyer__credits_cents=100_000)
        for cents in (DEAR_CENTS, CHEAP_CENTS)
    )
    return made, dear, cheap


def send(sender: PingingSource, ping_id: str) -> Lead:
    """The offer of the lead is open, or it was not sold."""
    answer = sender.post_lead(ping_id)
    assert answer.status_code == 201, answer.content
    return Lead.objects.get()


def skips_of(lead: Lead) -> dict[int, str]:
    events = LeadDistributionEvent.objects.filter(event="buyer_skipped", lead_id=lead.pk)
    return dict(events.values_list("buyer_id", "skip_reason"))


def close(lead: Lead) -> Any:
    at = Offer.objects.get(lead=lead).closes_at
    return distribute_lead(lead.pk, at=at)


def test_cheapest_buyer_that_may_claim_makes_the_price() -> None:
    campaign, _, cheap = build()
    sender = PingingSource(build_source(campaign, **SHARE))

    assert sender.ping()["price_cents"] == CHEAP_CENTS // 2

    Enrollment.objects.filter(pk=cheap.pk).update(active=False)
    assert sender.ping()["price_cents"] == DEAR_CENTS // 2


def test_shared_lead_is_promised_one_claim() -> None:
    campaign, _, _ = build(max_buyers=2)
    assert PingingSource(build_source(campaign, **SHARE)).ping()["price_cents"] == CHEAP_CENTS // 2


def test_claim_pays_the_promised_price_or_more() -> None:
    campaign, dear, _ = build()
    sender = PingingSource(build_source(campaign, **SHARE))
    lead = send(sender, sender.get_ping_id())

    claim_offer(Offer.objects.get(lead=lead).public_id, buyer_id=dear.buyer_id)

    assert Assignment.objects.get().price_cents == DEAR_CENTS
    assert PayableEntry.objects.get().amount_cents == DEAR_CENTS // 2
    assert_everything_holds()


def test_buyer_below_the_promise_is_not_offered_the_lead() -> None:
    """The cheap one was paused when the source asked."""
    campaign, dear, cheap = build()
    Enrollment.objects.filter(pk=cheap.pk).update(active=False)
    sender = PingingSource(build_source(campaign, **SHARE))
    ping_id = sender.get_ping_id()
    Enrollment.objects.filter(pk=cheap.pk).update(active=True)

    lead = send(sender, ping_id)

    assert list(OfferBuyer.objects.values_list("buyer_id", flat=True)) == [dear.buyer_id]
    assert skips_of(lead) == {cheap.buyer_id: "below_promised_price"}
    assert_everything_holds()


def test_nobody_who_pays_the_promise_is_left() -> None:
    campaign, dear, cheap = build()
    sender = PingingSource(build_source(campaign, **SHARE))
    ping_id = sender.get_ping_id()
    Enrollment.objects.filter(pk__in=(dear.pk, cheap.pk)).update(bid_cents=CHEAP_CENTS - 2)

    answer = sender.post_lead(ping_id).json()

    assert (answer["status"], answer["reason"]) == ("pending", "below_promised_price")
    assert not Offer.objects.exists()
    assert_everything_holds()


def test_fallback_keeps_the_promise() -> None:
    """Nobody claims, and the buyer who would take the lead then pays less now."""
    campaign, dear, cheap = build()
    sender = PingingSource(build_source(campaign, **SHARE))
    lead = send(sender, sender.get_ping_id())
    Source.objects.update(after_promise="end")
    Enrollment.objects.filter(pk__in=(dear.pk, cheap.pk)).update(bid_cents=CHEAP_CENTS - 2)

    outcome = close(lead)

    assert (outcome.result, outcome.skip_reason) == ("unsold", "below_promised_price")
    assert not Assignment.objects.exists()
    assert_everything_holds()


def test_fallback_sells_for_the_promise() -> None:
    campaign, dear, _ = build()
    sender = PingingSource(build_source(campaign, **SHARE))
    lead = send(sender, sender.get_ping_id())

    assert close(lead).result == "success"
    assert Assignment.objects.get().buyer_id == dear.buyer_id
    assert_everything_holds()


def test_reason_why_nobody_would_be_shown_it() -> None:
    campaign, dear, cheap = build()
    Enrollment.objects.filter(pk__in=(dear.pk, cheap.pk)).update(cap_day=0)
    body = PingingSource(build_source(campaign, **SHARE)).ping()
    assert (body["outcome"], body["reason"]) == ("no_price", "all_buyers_capped")


def test_fixed_contract_is_paid_by_whoever_claims() -> None:
    campaign, _, _ = build(offer_seconds=60)
    sender = PingingSource(build_source(campaign, pays="fixed", amount_cents=1_200))
    assert sender.ping()["price_cents"] == 1_200
    lead = send(sender, sender.get_ping_id())
    assert Offer.objects.get(lead=lead).closes_at - Offer.objects.get(lead=lead).opened_at == timedelta(
        seconds=60
    )

"""The first valid claim gets the lead and is charged at once; the others learn when it was taken, and by how much."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from distribution.attempts.distribute import distribute_lead
from distribution.models import (
    Assignment,
    Buyer,
    Campaign,
    Enrollment,
    LedgerEntry,
    Offer,
    OfferBuyer,
    Wallet,
)
from distribution.offers import claim
from distribution.offers.claim import claim_offer
from distribution.offers.refusals import (
    NotEligible,
    OfferNotFound,
    SellingPaused,
    Taken,
    WindowOver,
)
from routing.models import Lead, Workspace
from tests.support.auctions import auction_campaign, auction_of, auctioned_lead, bidder
from tests.support.factories import BuyerFactory, TierFactory, enroll
from tests.support.holds import attempts_of, money_of
from tests.support.offers import (
    CREDITS_CENTS,
    PRICE_CENTS,
    assert_everything_holds,
    buyers_of,
    offering_campaign,
    open_offer_of,
    places_of,
)
from tracing.models import Attempt, LeadDistributionEvent

pytestmark = pytest.mark.usefixtures("committed_db")

AT = datetime(2026, 3, 2, 15, tzinfo=UTC)
SOON = AT + timedelta(seconds=2)
LATER = AT + timedelta(seconds=2, milliseconds=350)
ENDS = AT + timedelta(seconds=60)


def everything_sold() -> tuple[Any, ...]:
    models = (Assignment, Enrollment, Wallet, LedgerEntry, Lead, Attempt, Offer)
    return tuple(list(model.objects.order_by("pk").values()) for model in models)


def test_first_claim_gets_the_lead_and_is_charged() -> None:
    campaign = offering_campaign(buyers=2)
    offer = open_offer_of(campaign, at=AT)
    first, second = buyers_of(campaign)
    claim = claim_offer(offer.public_id, buyer_id=second, actor="key CRM (Ab3dEf9h)", at=SOON)
    assert claim.is_new
    assignment = Assignment.objects.get(public_id=claim.assignment_id)
    assert (assignment.buyer_id, assignment.price_cents, assignment.state) == (second, PRICE_CENTS, "sold")
    assert money_of(second) == (CREDITS_CENTS - PRICE_CENTS, 0)
    assert money_of(first) == (CREDITS_CENTS, 0)
    lead = Lead.objects.get()
    assert (lead.status, lead.next_attempt_at, lead.finished_at) == ("distributed", None, SOON)
    assert not lead.is_partly_sold
    offer.refresh_from_db()
    assert (offer.state, offer.end_reason, offer.closed_at, offer.claims) == ("closed", "claimed", SOON, 1)
    place = OfferBuyer.objects.get(offer=offer, buyer_id=second)
    assert (place.claimed_at, place.claimed_by) == (SOON, "key CRM (Ab3dEf9h)")
    assert place.assignment_id == assignment.pk
    assert attempts_of(lead) == [
        ("ingest", "offered", "", ["ping_post_opened"]),
        ("claim", "success", "", ["ping_post_claimed", "ping_post_closed", "distributed"]),
    ]
    assert_everything_holds()


def test_repeated_claim_of_the_winner_is_the_same_sale() -> None:
    campaign = offering_campaign(buyers=1)
    offer = open_offer_of(campaign, at=AT)
    [buyer_id] = buyers_of(campaign)
    first = claim_offer(offer.public_id, buyer_id=buyer_id, at=SOON)
    before = everything_sold()
    again = claim_offer(offer.public_id, buyer_id=buyer_id, at=ENDS)
    assert (again.assignment_id, again.is_new) == (first.assignment_id, False)
    assert everything_sold() == before


def test_repeated_claim_of_another_key_does_not_change_who_claimed() -> None:
    offer = open_offer_of(offering_campaign(buyers=1), at=AT)
    [buyer_id] = buyers_of(offer.campaign)
    claim_offer(offer.public_id, buyer_id=buyer_id, actor="portal " + "M" * 200, at=SOON)
    claim_offer(offer.public_id, buyer_id=buyer_id, actor="key CRM (Ab3dEf9h)", at=ENDS)
    assert places_of(offer, "claimed_by") == [("portal " + "M" * 143,)]


def test_refused_claim_names_no_claimant() -> None:
    offer = open_offer_of(offering_campaign(buyers=1), at=AT)
    [buyer_id] = buyers_of(offer.campaign)
    with pytest.raises(WindowOver):
        claim_offer(offer.public_id, buyer_id=buyer_id, actor="portal Maria", at=ENDS)
    assert places_of(offer, "claimed_by") == [("",)]


def test_later_claim_is_taken_and_says_by_how_much() -> None:
    campaign = offering_campaign(buyers=2)
    offer = open_offer_of(campaign, at=AT)
    first, second = buyers_of(campaign)
    claim_offer(offer.public_id, buyer_id=first, at=SOON)
    before = everything_sold()
    with pytest.raises(Taken) as refusal:
        claim_offer(offer.public_id, buyer_id=second, at=LATER)
    assert (refusal.value.ended_at, refusal.value.late_ms) == (SOON, 350)
    assert everything_sold() == before
    place = OfferBuyer.objects.get(offer=offer, buyer_id=second)
    assert (place.lost_at, place.late_ms, place.lost_reason) == (LATER, 350, "taken")
    assert_everything_holds()


def test_claim_after_the_time_is_refused_also_before_the_offer_is_closed() -> None:
    campaign = offering_campaign(buyers=1)
    offer = open_offer_of(campaign, at=AT)
    [buyer_id] = buyers_of(campaign)
    before = everything_sold()
    with pytest.raises(WindowOver) as refusal:
        claim_offer(offer.public_id, buyer_id=buyer_id, at=ENDS)
    assert (refusal.value.ended_at, refusal.value.late_ms) == (ENDS, 0)
    assert everything_sold() == before


def test_buyer_that_does_not_see_the_offer_yet_finds_none() -> None:
    campaign = offering_campaign(buyers=1)
    tier = TierFactory(campaign=campaign, head_start_seconds=20)
    [later] = enroll(campaign, count=1, credits_cents=CREDITS_CENTS, tier=tier)
    offer = open_offer_of(campaign, at=AT)
    with pytest.raises(OfferNotFound):
        claim_offer(offer.public_id, buyer_id=later.buyer_id, at=SOON)
    assert claim_offer(offer.public_id, buyer_id=later.buyer_id, at=AT + timedelta(seconds=20)).is_new


def test_buyer_that_was_not_shown_the_offer_finds_none() -> None:
    offer = open_offer_of(offering_campaign(buyers=1), at=AT)
    with pytest.raises(OfferNotFound):
        claim_offer(offer.public_id, buyer_id=BuyerFactory().pk, at=SOON)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda pk: Buyer.objects.filter(pk=pk).update(paused_at=AT), "buyer_paused"),
        (lambda pk: Enrollment.objects.filter(buyer_id=pk).update(active=False), "enrollment_paused"),
        (lambda pk: Enrollment.objects.filter(buyer_id=pk).update(cap_day=0), "cap_reached"),
        (lambda pk: Enrollment.objects.filter(buyer_id=pk).delete(), "not_eligible"),
    ],
)
def test_gates_are_checked_again(change: Any, reason: str) -> None:
    campaign = offering_campaign(buyers=1)
    offer = open_offer_of(campaign, at=AT)
    [buyer_id] = buyers_of(campaign)
    change(buyer_id)
    before = everything_sold()
    with pytest.raises(NotEligible) as refusal:
        claim_offer(offer.public_id, buyer_id=buyer_id, at=SOON)
    assert refusal.value.reason == reason
    assert everything_sold() == before
    assert OfferBuyer.objects.get().lost_reason == reason


def test_refused_buyer_may_claim_again_when_it_passes() -> None:
    campaign = offering_campaign(buyers=1)
    offer = open_offer_of(campaign, at=AT)
    [buyer_id] = buyers_of(campaign)
    Buyer.objects.update(paused_at=AT)
    with pytest.raises(NotEligible):
        claim_offer(offer.public_id, buyer_id=buyer_id, at=SOON)
    Buyer.objects.update(paused_at=None)
    assert claim_offer(offer.public_id, buyer_id=buyer_id, at=LATER).is_new
    place = OfferBuyer.objects.get()
    assert (place.lost_at, place.late_ms, place.lost_reason) == (None, None, "")
    assert_everything_holds()


@pytest.mark.parametrize("model", [Workspace, Campaign])
def test_nothing_is_claimed_while_selling_is_paused(model: Any) -> None:
    campaign = offering_campaign(buyers=1)
    offer = open_offer_of(campaign, at=AT)
    [buyer_id] = buyers_of(campaign)
    change = {"active": False} if model is Campaign else {"paused_at": AT}
    model.objects.update(**change)
    before = everything_sold()
    with pytest.raises(SellingPaused):
        claim_offer(offer.public_id, buyer_id=buyer_id, at=SOON)
    assert everything_sold() == before


def test_claim_costs_what_the_buyer_was_shown() -> None:
    campaign = offering_campaign(buyers=1)
    offer = open_offer_of(campaign, at=AT)
    [buyer_id] = buyers_of(campaign)
    Campaign.objects.update(price_cents=9_900)
    claim = claim_offer(offer.public_id, buyer_id=buyer_id, at=SOON)
    assert Assignment.objects.get(public_id=claim.assignment_id).price_cents == PRICE_CENTS
    assert_everything_holds()


def test_shared_lead_stays_offered_until_its_last_place_is_claimed() -> None:
    campaign = offering_campaign(buyers=3, max_buyers=2)
    offer = open_offer_of(campaign, at=AT)
    first, second, third = buyers_of(campaign)
    claim_offer(offer.public_id, buyer_id=first, at=SOON)
    lead = Lead.objects.get()
    assert (lead.status, lead.next_attempt_at, lead.is_partly_sold) == ("offered", ENDS, True)
    assert_everything_holds()
    claim_offer(offer.public_id, buyer_id=second, at=LATER)
    lead.refresh_from_db()
    assert (lead.status, lead.next_attempt_at, lead.is_partly_sold) == ("distributed", None, False)
    with pytest.raises(Taken):
        claim_offer(offer.public_id, buyer_id=third, at=LATER)
    ends = LeadDistributionEvent.objects.filter(event="distributed").order_by("id")
    assert [(each.data["buyers"], each.cost_cents) for each in ends] == [
        (1, PRICE_CENTS),
        (2, 2 * PRICE_CENTS),
    ]
    assert_everything_holds()


def test_test_lead_is_claimed_without_a_charge() -> None:
    campaign = offering_campaign(buyers=1)
    offer = open_offer_of(campaign, at=AT, is_test=True)
    [buyer_id] = buyers_of(campaign)
    claim_offer(offer.public_id, buyer_id=buyer_id, at=SOON)
    assert money_of(buyer_id) == (CREDITS_CENTS, 0)
    assert Assignment.objects.get().is_test
    assert_everything_holds()


def test_buyer_that_is_removed_while_it_claims_a_test_lead_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody locks the buyer of a test lead: it is archived after the campaign was read."""
    campaign = offering_campaign(buyers=1)
    offer = open_offer_of(campaign, at=AT, is_test=True)
    [buyer_id] = buyers_of(campaign)
    begin_record = claim.begin_record

    def archive_first(*given: Any, **arguments: Any) -> Any:
        Enrollment.objects.update(archived_at=SOON)
        return begin_record(*given, **arguments)

    monkeypatch.setattr(claim, "begin_record", archive_first)
    with pytest.raises(NotEligible, match="You are no longer enrolled in this campaign") as refusal:
        claim_offer(offer.public_id, buyer_id=buyer_id, at=SOON)
    assert (refusal.value.code, refusal.value.reason) == ("not_eligible", "not_eligible")
    assert not Assignment.objects.exists()
    assert places_of(offer, "lost_reason") == [("not_eligible",)]
    assert_everything_holds()


def test_window_over_closes_the_offer_and_pushes_the_lead() -> None:
    campaign = offering_campaign(buyers=2)
    offer = open_offer_of(campaign, at=AT)
    lead = Lead.objects.get()
    outcome = distribute_lead(lead.pk, at=ENDS)
    assert (outcome.result, outcome.status) == ("success", "distributed")
    assert Assignment.objects.get().buyer_id == buyers_of(campaign)[0]
    offer.refresh_from_db()
    assert (offer.state, offer.end_reason, offer.closed_at) == ("closed", "window_over", ENDS)
    assert attempts_of(lead)[1] == ("offer_closed", "success", "", ["ping_post_closed", "distributed"])
    assert_everything_holds()


def test_auction_cannot_be_claimed() -> None:
    campaign = auction_campaign()
    buyer_id = bidder(campaign, url="https://bids.example.com/ping").buyer_id
    auction = auction_of(auctioned_lead(campaign))
    before = everything_sold()
    with pytest.raises(OfferNotFound):
        claim_offer(auction.public_id, buyer_id=buyer_id)
    assert everything_sold() == before
    assert places_of(auction, "lost_reason", "claimed_at") == [("", None)]

"""The end of an offer is an attempt: it closes the offer and goes on with the campaign's fallback."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

import distribution.attempts.decide_under_lock
from distribution import metrics
from distribution.attempts.distribute import distribute_lead
from distribution.attempts.outcome import NotRun
from distribution.models import Assignment, Buyer, Campaign, Enrollment, Offer
from distribution.offers.claim import claim_offer
from distribution.offers.refusals import NotEligible, SellingPaused, WindowOver
from distribution.returns.by_hand import return_by_hand
from routing.leads.actions import ActionRefused, LeadRunning, cancel_lead, pause_lead, rerun_lead
from routing.models import Lead, Workspace
from routing.reconcile import expiry
from tests.support.assigning import assign_by_hand
from tests.support.factories import EndpointFactory, enroll
from tests.support.holds import attempts_of
from tests.support.offers import (
    CREDITS_CENTS,
    PRICE_CENTS,
    assert_everything_holds,
    buyers_of,
    offering_campaign,
    open_offer_of,
)
from tracing.models import Attempt, LeadDistributionEvent

pytestmark = pytest.mark.usefixtures("committed_db")

AT = datetime(2026, 3, 2, 15, tzinfo=UTC)
SOON = AT + timedelta(seconds=2)
ENDS = AT + timedelta(seconds=60)


def ended(offer: Offer) -> tuple[str, str]:
    offer.refresh_from_db()
    return offer.state, offer.end_reason


def test_offer_is_not_closed_before_its_end() -> None:
    offer = open_offer_of(offering_campaign(buyers=1), at=AT)
    assert distribute_lead(offer.lead_id, at=SOON).not_run is NotRun.NOT_DUE
    assert ended(offer) == ("open", "")


def test_unclaimed_lead_is_unsold_if_the_campaign_says_so() -> None:
    offer = open_offer_of(offering_campaign(buyers=1, offer_fallback="unsold"), at=AT)
    outcome = distribute_lead(offer.lead_id, at=ENDS)
    assert (outcome.result, outcome.skip_reason, outcome.status) == ("unsold", "offer_unclaimed", "failed")
    assert attempts_of(offer.lead)[1] == (
        *("offer_closed", "unsold", "offer_unclaimed"),
        ["ping_post_closed", "failed"],
    )
    assert ended(offer) == ("closed", "window_over")
    assert_everything_holds()


def test_lag_lasts_from_the_end_of_the_offer_to_the_commit() -> None:
    """From the end to the lock, and then a part of the attempt."""
    campaign = offering_campaign(buyers=1, offer_fallback="unsold")
    offer = open_offer_of(campaign, at=timezone.now() - timedelta(seconds=90))
    lags, attempts = metrics.OFFER_CLOSING_LAG_SECONDS, metrics.DECISION_SECONDS
    lag_before, attempt_before = lags._sum.get(), attempts._sum.get()
    assert distribute_lead(offer.lead_id).result == "unsold"
    started_at = Attempt.objects.filter(lead_id=offer.lead_id).latest("number").started_at
    until_lock = (started_at - offer.closes_at).total_seconds()
    assert until_lock >= 30
    lag, attempt = lags._sum.get() - lag_before, attempts._sum.get() - attempt_before
    assert until_lock < lag <= until_lock + attempt


def test_lag_of_a_closing_that_failed_first_lasts_from_the_end_of_the_offer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And not from the time when it is tried again."""
    offer = open_offer_of(offering_campaign(buyers=1), at=timezone.now() - timedelta(seconds=90))
    lags = metrics.OFFER_CLOSING_LAG_SECONDS
    before = lags._sum.get()
    with monkeypatch.context() as broken:
        broken.setattr(distribution.attempts.decide_under_lock, "sell", lambda *_, **__: 1 / 0)
        assert distribute_lead(offer.lead_id).result == "retry"
    assert lags._sum.get() == before
    Lead.objects.update(next_attempt_at=timezone.now())
    assert distribute_lead(offer.lead_id).result == "success"
    closed_at = Offer.objects.get().closed_at
    assert closed_at is not None
    assert lags._sum.get() - before >= (closed_at - offer.closes_at).total_seconds() >= 30


def test_pause_is_no_part_of_the_lag() -> None:
    offer = open_offer_of(offering_campaign(buyers=1), at=timezone.now() - timedelta(hours=1))
    Workspace.objects.update(paused_at=timezone.now())
    Workspace.objects.update(paused_at=None)
    lags = metrics.OFFER_CLOSING_LAG_SECONDS
    before = lags._sum.get()
    assert distribute_lead(offer.lead_id).result == "success"
    assert lags._sum.get() - before < 60


def test_unclaimed_lead_goes_to_the_next_campaign() -> None:
    first = offering_campaign(buyers=1, offer_fallback="next_campaign", priority=9)
    other = offering_campaign(buyers=1, mode="round_robin", workspace=first.workspace)
    offer = open_offer_of(first, at=AT)
    assert offer.campaign_id == first.pk
    outcome = distribute_lead(offer.lead_id, at=ENDS)
    assert outcome.result == "success"
    assert Assignment.objects.get().campaign_id == other.pk
    assert_everything_holds()


def test_chain_of_offers_passes_each_campaign_once() -> None:
    first = offering_campaign(buyers=1, offer_fallback="next_campaign", priority=9)
    second = offering_campaign(buyers=1, offer_fallback="next_campaign", workspace=first.workspace)
    offer = open_offer_of(first, at=AT)
    assert distribute_lead(offer.lead_id, at=ENDS).result == "offered"
    again = Offer.objects.get(state="open")
    assert (again.campaign_id, again.passed_campaign_ids) == (second.pk, [first.pk])
    assert_everything_holds()
    outcome = distribute_lead(offer.lead_id, at=again.closes_at)
    assert (outcome.result, outcome.skip_reason) == ("unsold", "offer_unclaimed")
    assert not Offer.objects.filter(state="open").exists()
    assert_everything_holds()


def test_claim_of_an_ended_offer_is_refused_while_the_next_one_is_open() -> None:
    first = offering_campaign(buyers=1, offer_fallback="next_campaign", priority=9)
    offering_campaign(buyers=1, workspace=first.workspace)
    offer = open_offer_of(first, at=AT)
    distribute_lead(offer.lead_id, at=ENDS)
    with pytest.raises(WindowOver) as refusal:
        claim_offer(offer.public_id, buyer_id=buyers_of(first)[0], at=ENDS + timedelta(milliseconds=40))
    assert (refusal.value.ended_at, refusal.value.late_ms) == (ENDS, 40)


@pytest.mark.parametrize("fallback", ["next_campaign", "unsold"])
def test_partly_claimed_lead_is_sold_when_its_offer_ends(fallback: str) -> None:
    campaign = offering_campaign(buyers=3, max_buyers=2, offer_fallback=fallback)
    offer = open_offer_of(campaign, at=AT)
    claim_offer(offer.public_id, buyer_id=buyers_of(campaign)[0], at=SOON)
    outcome = distribute_lead(offer.lead_id, at=ENDS)
    assert (outcome.result, outcome.status) == ("success", "distributed")
    assert Assignment.objects.count() == 1
    assert not Lead.objects.get().is_partly_sold
    assert_everything_holds()


def test_lead_that_every_claimant_returned_goes_on_as_unclaimed() -> None:
    campaign = offering_campaign(buyers=2, max_buyers=2, offer_fallback="next_campaign", priority=9)
    other = offering_campaign(buyers=1, mode="round_robin", workspace=campaign.workspace)
    offer = open_offer_of(campaign, at=AT)
    claim_offer(offer.public_id, buyer_id=buyers_of(campaign)[0], at=SOON)
    return_by_hand(Assignment.objects.get(), actor="ann", reason="agency", at=SOON)
    outcome = distribute_lead(offer.lead_id, at=ENDS)
    assert (outcome.result, outcome.status) == ("success", "distributed")
    assert Assignment.objects.get(state="sold").campaign_id == other.pk
    assert_everything_holds()


def test_push_fills_the_places_that_are_left() -> None:
    campaign = offering_campaign(buyers=3, max_buyers=2)
    offer = open_offer_of(campaign, at=AT)
    first, second, _ = buyers_of(campaign)
    claim_offer(offer.public_id, buyer_id=second, at=SOON)
    assert distribute_lead(offer.lead_id, at=ENDS).status == "distributed"
    assert set(Assignment.objects.values_list("buyer_id", flat=True)) == {first, second}
    assert_everything_holds()


def test_push_after_an_offer_asks_the_buyers_system_if_the_campaign_sells_on_acceptance() -> None:
    campaign = offering_campaign(buyers=1, sells_on="acceptance")
    EndpointFactory(buyer_id=buyers_of(campaign)[0])
    offer = open_offer_of(campaign, at=AT)
    assert distribute_lead(offer.lead_id, at=ENDS).result == "posting"
    assert Assignment.objects.get().state == "held"
    assert_everything_holds()


def test_claim_is_charged_at_once_even_if_the_campaign_sells_on_acceptance() -> None:
    campaign = offering_campaign(buyers=1, sells_on="acceptance")
    offer = open_offer_of(campaign, at=AT)
    claim_offer(offer.public_id, buyer_id=buyers_of(campaign)[0], at=SOON)
    assert Assignment.objects.get().state == "sold"
    assert_everything_holds()


def test_push_that_must_wait_is_offered_anew_at_that_time() -> None:
    """The only buyer may have one lead a day, and claims another one in the meantime."""
    campaign = offering_campaign(buyers=1)
    Enrollment.objects.update(cap_day=1)
    offer, other = open_offer_of(campaign, at=AT), open_offer_of(campaign, at=AT)
    claim_offer(other.public_id, buyer_id=buyers_of(campaign)[0], at=SOON)
    outcome = distribute_lead(offer.lead_id, at=ENDS)
    assert (outcome.result, outcome.skip_reason) == ("deferred", "all_buyers_capped")
    assert ended(offer) == ("closed", "window_over")
    assert_everything_holds()

    tomorrow = outcome.next_attempt_at
    assert tomorrow is not None
    assert AT < tomorrow <= AT + timedelta(days=1)
    assert distribute_lead(offer.lead_id, at=tomorrow).result == "offered"
    again = Offer.objects.get(lead=offer.lead_id, state="open")
    assert (again.opened_at, again.passed_campaign_ids) == (tomorrow, [])
    assert_everything_holds()


def test_refused_claims_are_in_the_event_of_the_end() -> None:
    campaign = offering_campaign(buyers=1, offer_fallback="unsold")
    offer = open_offer_of(campaign, at=AT)
    [buyer_id] = buyers_of(campaign)
    Buyer.objects.update(paused_at=AT)
    with pytest.raises(NotEligible):
        claim_offer(offer.public_id, buyer_id=buyer_id, at=SOON)
    distribute_lead(offer.lead_id, at=ENDS)
    closed = LeadDistributionEvent.objects.get(event="ping_post_closed")
    assert closed.data["losers"] == [{"buyer_id": buyer_id, "reason": "buyer_paused", "late_ms": None}]


def test_canceled_lead_has_no_open_offer() -> None:
    offer = open_offer_of(offering_campaign(buyers=1), at=AT)
    cancel_lead(offer.lead_id, at=SOON)
    assert ended(offer) == ("closed", "canceled")
    with pytest.raises(WindowOver):
        claim_offer(offer.public_id, buyer_id=Buyer.objects.get().pk, at=SOON)
    assert_everything_holds()


def test_claimed_lead_cannot_be_canceled() -> None:
    campaign = offering_campaign(buyers=2, max_buyers=2)
    offer = open_offer_of(campaign, at=AT)
    claim_offer(offer.public_id, buyer_id=buyers_of(campaign)[0], at=SOON)
    with pytest.raises(LeadRunning, match="a buyer has accepted it, so it is sold"):
        cancel_lead(offer.lead_id, at=SOON)
    assert ended(offer) == ("open", "")


def test_expired_lead_has_no_open_offer() -> None:
    offer = open_offer_of(offering_campaign(buyers=1), at=AT, expires_at=AT + timedelta(seconds=5))
    assert expiry.run(fix=True, limit=10).repaired == 1
    assert ended(offer) == ("closed", "canceled")
    assert Lead.objects.get().status == "expired"
    assert_everything_holds()


def test_offered_lead_cannot_be_paused_or_run_again() -> None:
    offer = open_offer_of(offering_campaign(buyers=1), at=AT)
    with pytest.raises(ActionRefused, match="it is not waiting to be sold: offered to buyers"):
        pause_lead(offer.lead_id, at=SOON)
    with pytest.raises(ActionRefused, match="it is being offered to buyers; wait until the offer ends"):
        rerun_lead(offer.lead_id, at=SOON)
    assert ended(offer) == ("open", "")


def test_offered_lead_can_be_sold_by_hand() -> None:
    campaign = offering_campaign(buyers=2)
    offer = open_offer_of(campaign, at=AT)
    enrollment = Enrollment.objects.get(buyer_id=buyers_of(campaign)[1])
    assign_by_hand(offer.lead_id, enrollment_id=enrollment.pk, at=SOON)
    assert Lead.objects.get().status == "distributed"
    assert ended(offer) == ("closed", "canceled")
    assert_everything_holds()


def test_pause_of_the_workspace_delays_the_end_and_refuses_claims() -> None:
    campaign = offering_campaign(buyers=1, offer_fallback="unsold")
    offer = open_offer_of(campaign, at=AT)
    Workspace.objects.update(paused_at=AT)
    assert distribute_lead(offer.lead_id, at=ENDS).not_run is NotRun.PAUSED
    with pytest.raises(SellingPaused):
        claim_offer(offer.public_id, buyer_id=buyers_of(campaign)[0], at=SOON)
    assert ended(offer) == ("open", "")
    Workspace.objects.update(paused_at=None)
    assert distribute_lead(offer.lead_id, at=ENDS).result == "unsold"
    assert ended(offer) == ("closed", "window_over")


def test_inactive_campaign_goes_on_with_the_next_one() -> None:
    first = offering_campaign(buyers=1, priority=9)
    other = offering_campaign(buyers=0, mode="round_robin", workspace=first.workspace)
    enroll(other, count=1, credits_cents=CREDITS_CENTS)
    offer = open_offer_of(first, at=AT)
    Campaign.objects.filter(pk=first.pk).update(active=False)
    assert distribute_lead(offer.lead_id, at=ENDS).result == "success"
    assert Assignment.objects.get().price_cents == PRICE_CENTS
    assert Assignment.objects.get().campaign_id == other.pk
    assert_everything_holds()

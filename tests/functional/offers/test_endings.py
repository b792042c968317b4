"""What the end of an offer tells others: its campaign, its event, and when an attempt that failed comes back."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

import distribution.attempts.decide_under_lock
import distribution.attempts.distribute
from distribution.attempts.distribute import distribute_lead
from distribution.attempts.outcome import AttemptOutcome
from distribution.attempts.record import AttemptRecord
from distribution.explain.lead import explain
from distribution.models import Assignment, Campaign, Enrollment, Offer
from distribution.offers.claim import claim_offer
from distribution.returns.by_hand import return_by_hand
from routing.leads.actions import cancel_lead
from routing.models import Lead
from tests.support.assigning import assign_by_hand
from tests.support.auctions import auction_campaign, auctioned_lead, bidder, close
from tests.support.factories import RuleFactory, WorkspaceFactory
from tests.support.offers import (
    PRICE_CENTS,
    assert_everything_holds,
    buyers_of,
    offering_campaign,
    open_offer_of,
)
from tests.support.subscribing import data_of, kinds_of, subscribe
from tracing.models import Attempt, LeadDistributionEvent

pytestmark = pytest.mark.usefixtures("committed_db")

AT = datetime(2026, 3, 2, 15, tzinfo=UTC)
SOON = AT + timedelta(seconds=2)
ENDS = AT + timedelta(seconds=60)


def explained_campaign(lead: Lead) -> str | None:
    lead.refresh_from_db()
    campaign = explain(lead).lead.campaign
    return campaign.name if campaign else None


def campaigns_of(lead: Lead) -> list[int | None]:
    return list(
        Attempt.objects.filter(lead_id=lead.pk).order_by("number").values_list("campaign_id", flat=True)
    )


@pytest.mark.parametrize("fallback", ["unsold", "next_campaign"])
def test_unclaimed_lead_is_unsold_by_the_campaign_that_offered_it(fallback: str) -> None:
    campaign = offering_campaign(buyers=1, offer_fallback=fallback)
    offer = open_offer_of(campaign, at=AT)
    workspace = subscribe(campaign.workspace)
    distribute_lead(offer.lead_id, at=ENDS)

    assert campaigns_of(offer.lead) == [campaign.pk, campaign.pk]
    assert explained_campaign(offer.lead) == campaign.name
    assert sorted(kinds_of(workspace)) == ["campaign.unsold", "lead.status_changed", "lead.unsold"]
    said = data_of(workspace, "campaign.unsold")
    assert (said["campaign_id"], said["reason"]) == (str(campaign.public_id), "offer_unclaimed")
    assert_everything_holds()


def test_auction_without_bids_is_unsold_by_its_campaign() -> None:
    campaign = auction_campaign()
    bidder(campaign)
    lead = auctioned_lead(campaign)
    workspace = subscribe(campaign.workspace)
    assert close(lead).skip_reason == "no_bids"
    assert campaigns_of(lead) == [campaign.pk, campaign.pk]
    assert explained_campaign(lead) == campaign.name
    assert "campaign.unsold" in kinds_of(workspace)
    assert_everything_holds()


def test_auction_of_a_campaign_that_was_stopped_is_unsold_by_it() -> None:
    campaign = auction_campaign()
    bidder(campaign)
    lead = auctioned_lead(campaign)
    workspace = subscribe(campaign.workspace)
    Campaign.objects.filter(pk=campaign.pk).update(active=False)
    assert close(lead).result == "unsold"
    assert campaigns_of(lead) == [campaign.pk, campaign.pk]
    assert "campaign.unsold" in kinds_of(workspace)
    assert_everything_holds()


def test_lead_that_is_routed_elsewhere_at_the_end_is_not_unsold_by_the_campaign() -> None:
    campaign = offering_campaign(buyers=1)
    offer = open_offer_of(campaign, at=AT)
    workspace = subscribe(campaign.workspace, "campaign.unsold")
    RuleFactory(workspace=campaign.workspace, destination=WorkspaceFactory())
    assert distribute_lead(offer.lead_id, at=ENDS).skip_reason == "offer_unclaimed"
    assert campaigns_of(offer.lead) == [campaign.pk, None]
    assert kinds_of(workspace) == []


def test_canceled_lead_is_not_unsold_by_its_campaign() -> None:
    campaign = offering_campaign(buyers=1)
    offer = open_offer_of(campaign, at=AT)
    workspace = subscribe(campaign.workspace, "campaign.unsold")
    cancel_lead(offer.lead_id, at=SOON)
    assert kinds_of(workspace) == []
    assert explained_campaign(offer.lead) == campaign.name


def test_sale_by_hand_ends_the_offer_in_its_own_trace() -> None:
    campaign = offering_campaign(buyers=2)
    offer = open_offer_of(campaign, at=AT)
    enrollment = Enrollment.objects.get(buyer_id=buyers_of(campaign)[1])
    assign_by_hand(offer.lead_id, enrollment_id=enrollment.pk, at=SOON)
    closed = LeadDistributionEvent.objects.get(event="ping_post_closed")
    assert closed.data == {"offer": str(offer.public_id), "reason": "canceled", "claims": 0}
    offer.refresh_from_db()
    assert (offer.state, offer.end_reason, offer.closed_at) == ("closed", "canceled", SOON)
    assert_everything_holds()


class TestClosingThatFails:
    """A failure of the product in the middle of the push."""

    @pytest.fixture
    def claimed(self) -> Offer:
        """An offer in which one of three places is taken. Made before selling is broken."""
        campaign = offering_campaign(buyers=3, max_buyers=3)
        offer = open_offer_of(campaign, at=AT)
        claim_offer(offer.public_id, buyer_id=buyers_of(campaign)[0], at=SOON)
        return offer

    @pytest.fixture
    def broken(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
        with monkeypatch.context() as patch:
            patch.setattr(distribution.attempts.decide_under_lock, "sell", lambda *_, **__: 1 / 0)
            yield patch

    def test_it_is_tried_again_within_seconds(self, broken: pytest.MonkeyPatch) -> None:
        campaign = offering_campaign(buyers=1)
        offer = open_offer_of(campaign, at=AT)
        at, waits = ENDS, []
        for _ in range(3):
            outcome = distribute_lead(offer.lead_id, at=at)
            assert (outcome.result, outcome.skip_reason) == ("retry", "internal_error")
            assert outcome.next_attempt_at is not None
            waits.append((outcome.next_attempt_at - at).total_seconds())
            at = outcome.next_attempt_at
        assert [1 << number <= wait < 2 << number for number, wait in enumerate(waits)] == [True] * 3
        assert explained_campaign(offer.lead) == campaign.name

        broken.undo()
        assert distribute_lead(offer.lead_id, at=at).status == "distributed"
        lead = Lead.objects.get()
        assert (lead.errors, lead.attempts) == (0, 5)
        assert_everything_holds()

    def test_it_is_parked_at_last(self, broken: pytest.MonkeyPatch) -> None:  # noqa: ARG002
        offer = open_offer_of(offering_campaign(buyers=1), at=AT)
        at: datetime | None = ENDS
        tries = 0
        while at is not None:
            outcome = distribute_lead(offer.lead_id, at=at)
            at, tries = outcome.next_attempt_at, tries + 1
        lead = Lead.objects.get()
        assert (lead.status, lead.skip_reason) == ("failed", "internal_error")
        assert tries == lead.workspace.max_attempts + 6
        offer.refresh_from_db()
        assert (offer.state, offer.end_reason) == ("closed", "canceled")

    @pytest.mark.parametrize("columns", [{}, {"fallback_mode": "by_favor"}])
    def test_lead_that_a_buyer_claimed_ends_sold(
        self,
        claimed: Offer,
        broken: pytest.MonkeyPatch,  # noqa: ARG002
        columns: dict[str, str],
    ) -> None:
        """Its retries are used up, or every retry would fail the same way."""
        Campaign.objects.filter(pk=claimed.campaign_id).update(active=True, **columns)
        at: datetime | None = ENDS
        while at is not None:
            outcome = distribute_lead(claimed.lead_id, at=at)
            at = outcome.next_attempt_at

        assert (outcome.result, outcome.skip_reason, outcome.status) == ("success", "", "distributed")
        last = Attempt.objects.filter(lead_id=claimed.lead_id).latest("number")
        assert (last.result, last.skip_reason, last.transient) == ("success", "", False)
        event = LeadDistributionEvent.objects.filter(attempt_id=last.pk).latest("seq")
        assert (event.event, event.cost_cents) == ("distributed", PRICE_CENTS)
        assert event.data == {"buyers": 1, "ended_by": "internal_error"}
        lead = Lead.objects.get()
        assert (lead.status, lead.skip_reason, lead.is_partly_sold) == ("distributed", "", False)
        assert_everything_holds()

    def test_lead_whose_only_sale_was_returned_ends_failed(
        self, claimed: Offer, broken: pytest.MonkeyPatch
    ) -> None:
        """The buyer returns it between the rollback and the verdict."""
        Campaign.objects.filter(pk=claimed.campaign_id).update(fallback_mode="by_favor")
        write_verdict = distribution.attempts.distribute.write_verdict

        def return_first(error: Exception, record: AttemptRecord) -> AttemptOutcome:
            return_by_hand(Assignment.objects.get(), actor="ann", reason="agency", at=SOON)
            return write_verdict(error, record)

        broken.setattr(distribution.attempts.distribute, "write_verdict", return_first)
        outcome = distribute_lead(claimed.lead_id, at=ENDS)

        assert (outcome.result, outcome.skip_reason, outcome.status) == ("failed", "internal_error", "failed")
        lead = Lead.objects.get()
        assert (lead.status, lead.skip_reason) == ("failed", "internal_error")
        assert_everything_holds()

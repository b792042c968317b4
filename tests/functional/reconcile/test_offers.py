"""`reconcile offers`: a lead is offered exactly while it has an open offer, until its end."""

from datetime import UTC, datetime, timedelta

import pytest

from distribution.attempts.distribute import distribute_lead
from distribution.deliveries.bidding.writing import make_due
from distribution.models import Assignment, Offer
from distribution.offers.claim import claim_offer
from distribution.reconcile import offers
from routing.models import Lead
from routing.queries import read_clock
from routing.reconcile import Counts, find_reconciler, run_reconciler
from tests.support.auctions import auction_campaign, auction_of, auctioned_lead, bidder
from tests.support.offers import assert_everything_holds, buyers_of, offering_campaign, open_offer_of
from tests.support.planting import plant

pytestmark = pytest.mark.usefixtures("committed_db")

AT = datetime(2026, 3, 2, 15, tzinfo=UTC)
RUN = find_reconciler("offers")


@pytest.fixture
def offer() -> Offer:
    return open_offer_of(offering_campaign(buyers=1), at=AT)


def test_offer_that_fits_its_lead_is_left_alone(offer: Offer) -> None:
    assert run_reconciler(RUN, fix=True) == Counts(checked=1)
    offer.refresh_from_db()
    assert offer.state == "open"


@pytest.mark.finds("offers")
def test_offered_lead_without_an_open_offer_is_due(offer: Offer) -> None:
    plant("UPDATE distribution_offer SET state = 'closed', closed_at = now(), end_reason = 'canceled'")
    counts = run_reconciler(RUN, fix=True)
    assert (counts.checked, counts.repaired) == (0, 1)
    lead = Lead.objects.get()
    assert (lead.status, lead.due_reason) == ("pending", "")
    assert lead.next_attempt_at is not None
    assert lead.next_attempt_at > offer.closes_at
    assert_everything_holds()


@pytest.mark.finds("offers")
def test_partly_claimed_lead_without_an_open_offer_goes_on_with_its_fallback() -> None:
    campaign = offering_campaign(buyers=3, max_buyers=2)
    offer = open_offer_of(campaign, at=read_clock() - timedelta(seconds=30))
    first, second, _ = buyers_of(campaign)
    claim_offer(offer.public_id, buyer_id=first)
    plant("UPDATE distribution_offer SET state = 'closed', closed_at = now(), end_reason = 'window_over'")

    assert run_reconciler(RUN, fix=True) == Counts(repaired=1)

    lead = Lead.objects.get()
    assert (lead.status, lead.due_reason, lead.is_partly_sold) == ("pending", "", True)
    assert lead.next_attempt_at is not None
    assert distribute_lead(lead.pk).status == "distributed"
    assert set(Assignment.objects.values_list("buyer_id", flat=True)) == {first, second}
    assert Offer.objects.count() == 1


def test_open_offer_of_a_lead_that_is_not_offered_is_closed(offer: Offer) -> None:
    plant("UPDATE routing_lead SET status = 'pending', due_reason = ''")
    assert run_reconciler(RUN, fix=True).repaired == 1
    offer.refresh_from_db()
    assert (offer.state, offer.end_reason) == ("closed", "canceled")
    assert_everything_holds()


def test_offered_lead_that_is_due_too_late_gets_the_end_of_its_offer(offer: Offer) -> None:
    Lead.objects.update(next_attempt_at=AT + timedelta(hours=9))
    assert run_reconciler(RUN, fix=True).repaired == 1
    assert Lead.objects.get().next_attempt_at == offer.closes_at


def test_auction_that_is_due_because_all_bids_are_in_is_left_alone() -> None:
    campaign = auction_campaign()
    bidder(campaign, url="https://bids.example.com/ping")
    lead = auctioned_lead(campaign)
    assert make_due(lead.pk, offer_id=auction_of(lead).pk)
    due_at = Lead.objects.get().next_attempt_at
    assert run_reconciler(RUN, fix=True) == Counts(checked=1)
    assert Lead.objects.get().next_attempt_at == due_at


def test_lead_whose_offer_could_not_be_closed_keeps_its_retry(offer: Offer) -> None:
    later = offer.closes_at + timedelta(minutes=1)
    Lead.objects.update(next_attempt_at=later, due_reason="internal_error")
    assert run_reconciler(RUN, fix=True) == Counts(checked=1)
    assert Lead.objects.get().next_attempt_at == later


def test_report_changes_nothing(offer: Offer) -> None:
    Lead.objects.update(next_attempt_at=AT + timedelta(hours=9))
    counts = offers.run(fix=False, limit=10)
    assert (counts.checked, counts.repaired, counts.skipped) == (1, 0, 1)
    assert Lead.objects.get().next_attempt_at == AT + timedelta(hours=9)
    offer.refresh_from_db()
    assert offer.state == "open"

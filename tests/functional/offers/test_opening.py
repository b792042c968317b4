"""An attempt on a ping-post campaign shows the partial lead to every eligible buyer."""

from datetime import UTC, datetime, timedelta

import pytest

from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment, Buyer, Enrollment, LedgerEntry, Offer
from routing.models import Lead
from tests.support.factories import TierFactory, enroll
from tests.support.holds import attempts_of
from tests.support.offers import (
    CREDITS_CENTS,
    PRICE_CENTS,
    assert_everything_holds,
    buyers_of,
    lead_of,
    offering_campaign,
    open_offer_of,
    places_of,
)
from tracing.models import Attempt, LeadDistributionEvent

pytestmark = pytest.mark.usefixtures("committed_db")

AT = datetime(2026, 3, 2, 15, tzinfo=UTC)
ENDS = AT + timedelta(seconds=60)


def test_lead_is_offered_to_every_eligible_buyer_and_nothing_is_charged() -> None:
    campaign = offering_campaign(buyers=3)
    Buyer.objects.filter(pk=buyers_of(campaign)[2]).update(paused_at=AT)
    lead = lead_of(campaign, at=AT)
    outcome = distribute_lead(lead.pk, at=AT)
    assert (outcome.result, outcome.status, outcome.next_attempt_at) == ("offered", "offered", ENDS)
    lead.refresh_from_db()
    assert (lead.status, lead.next_attempt_at, lead.due_reason) == ("offered", ENDS, "offer_closes")
    offer = Offer.objects.get(lead=lead)
    assert (offer.state, offer.opened_at, offer.closes_at, offer.max_buyers) == ("open", AT, ENDS, 1)
    assert offer.partial == {"zip3": "303", "state": "GA", "attributes.roof_age": 12}
    first, second, _ = buyers_of(campaign)
    shown = [(first, PRICE_CENTS, AT), (second, PRICE_CENTS, AT)]
    assert places_of(offer, "buyer_id", "price_cents", "visible_at") == shown
    assert not Assignment.objects.exists()
    assert set(LedgerEntry.objects.values_list("kind", flat=True)) == {"topup"}
    assert attempts_of(lead) == [("ingest", "offered", "", ["ping_post_opened"])]
    assert_everything_holds()


def test_buyers_of_a_later_tier_see_the_offer_later() -> None:
    campaign = offering_campaign(buyers=1)
    tier = TierFactory(campaign=campaign, head_start_seconds=20)
    [later] = enroll(campaign, count=1, credits_cents=CREDITS_CENTS, tier=tier)
    offer = open_offer_of(campaign, at=AT)
    times = dict(places_of(offer, "buyer_id", "visible_at"))
    assert times == {buyers_of(campaign)[0]: AT, later.buyer_id: AT + timedelta(seconds=20)}


def test_no_eligible_buyer_is_no_offer() -> None:
    campaign = offering_campaign(buyers=1)
    Enrollment.objects.update(active=False)
    lead = lead_of(campaign, at=AT)
    outcome = distribute_lead(lead.pk, at=AT)
    assert (outcome.result, outcome.skip_reason) == ("unsold", "no_eligible_buyers")
    assert not Offer.objects.exists()
    assert_everything_holds()


@pytest.mark.parametrize(
    ("contact", "value"),
    [
        ({"first_name": "Maria"}, "ask for maria"),
        ({"email": "m@example.com"}, "m@example.com"),
        ({}, "somebody@example.org"),
        ({"phone": "+14045550123"}, "call 555 0123"),
        ({}, "(404) 555-0199"),
        ({"address": "12 Main Street"}, "at 12  main street, left door"),
        ({"address": "12 Main Street, Atlanta"}, "12 Main Street"),
    ],
)
def test_value_that_identifies_the_person_is_withheld(contact: dict[str, str], value: str) -> None:
    campaign = offering_campaign(buyers=1, offer_fields=["state", "attributes.note"])
    offer = open_offer_of(campaign, at=AT, attributes={"note": value}, **contact)
    assert offer.partial == {"state": "GA"}
    [opened] = LeadDistributionEvent.objects.filter(event="ping_post_opened")
    assert (opened.data["fields"], opened.data["withheld"]) == (["state"], ["attributes.note"])


def test_offer_ends_no_later_than_the_lead() -> None:
    campaign = offering_campaign(buyers=1)
    offer = open_offer_of(campaign, at=AT, expires_at=AT + timedelta(seconds=9))
    assert offer.closes_at == AT + timedelta(seconds=9)
    assert Lead.objects.get().next_attempt_at == offer.closes_at
    assert Attempt.objects.get().next_attempt_at == offer.closes_at

"""Campaigns that offer leads by ping post, and what an offer left behind."""

from datetime import datetime
from typing import Any

from distribution.attempts.distribute import distribute_lead
from distribution.models import Campaign, Enrollment, Offer, OfferBuyer
from distribution.verify import run_verification
from routing.models import Lead
from tests.support.event_shapes import misshapen
from tests.support.factories import CampaignFactory, LeadFactory, SourceFactory, enroll
from tracing.models import LeadDistributionEvent

PRICE_CENTS = 2_500
CREDITS_CENTS = 10_000
FIELDS = ["zip3", "state", "attributes.roof_age"]


def offering_campaign(*, buyers: int, **campaign: Any) -> Campaign:
    """Buyers in one tier, which see zip3, state and roof age. An unclaimed lead is pushed by priority."""
    given = {
        "price_cents": PRICE_CENTS,
        "mode": "ping_post",
        "offer_fields": FIELDS,
        "fallback_mode": "priority",
    }
    made: Campaign = CampaignFactory(**{**given, **campaign})
    for place in range(buyers):
        enroll(made, count=1, credits_cents=CREDITS_CENTS, priority=buyers - place)
    return made


def lead_of(campaign: Campaign, *, at: datetime, **lead: Any) -> Lead:
    source = SourceFactory(workspace=campaign.workspace)
    made: Lead = LeadFactory(source=source, received_at=at, **{"attributes": {"roof_age": 12}, **lead})
    return made


def open_offer_of(campaign: Campaign, *, at: datetime, **lead: Any) -> Offer:
    made = lead_of(campaign, at=at, **lead)
    outcome = distribute_lead(made.pk, at=at)
    assert outcome.result == "offered"
    return Offer.objects.get(lead=made, state="open")


def buyers_of(campaign: Campaign) -> list[int]:
    found = Enrollment.objects.filter(campaign=campaign).order_by("pk")
    return list(found.values_list("buyer_id", flat=True))


def places_of(offer: Offer, *columns: str) -> list[Any]:
    return list(OfferBuyer.objects.filter(offer=offer).order_by("buyer_id").values_list(*columns))


def assert_everything_holds() -> None:
    report = run_verification()
    assert report.holds, report
    assert misshapen(LeadDistributionEvent.objects.all()) == []

"""Rows of offers that the database refuses, by the name of the constraint."""

from collections.abc import Callable
from typing import Any, Final

from django.utils import timezone
from uuid6 import uuid7

from distribution.models import Offer, OfferBuyer
from tests.support.factories import CampaignFactory, EnrollmentFactory, LeadFactory, TierFactory


def _new_place(**columns: Any) -> OfferBuyer:
    enrollment = EnrollmentFactory()
    offer = _new_offer(campaign=enrollment.campaign)
    given = {
        "enrollment": enrollment,
        "buyer": enrollment.buyer,
        "offer": offer,
        "tier_position": 1,
        **columns,
    }
    return OfferBuyer.objects.create(**given, visible_at=timezone.now())


def _new_offer(**columns: Any) -> Offer:
    campaign = columns.pop("campaign", None) or CampaignFactory()
    lead = columns.pop("lead", None) or LeadFactory(source__workspace=campaign.workspace)
    now = timezone.now()
    given = {"kind": "ping_post", "max_buyers": 1, "attempt_id": uuid7(), **columns}
    return Offer.objects.create(**given, campaign=campaign, lead=lead, opened_at=now, closes_at=now)


def _open_again() -> Offer:
    first = _new_offer()
    return _new_offer(campaign=first.campaign, lead=first.lead)


def _show_again() -> OfferBuyer:
    place = _new_place()
    return _new_place(offer=place.offer, buyer=place.buyer)


OFFER_BREACHES: Final[list[tuple[str, Callable[[], Any]]]] = [
    ("campaign_offers_in_range", lambda: CampaignFactory(offer_seconds=4)),
    ("campaign_offers_in_range", lambda: CampaignFactory(margin_bps=9_001)),
    ("tier_head_start_in_range", lambda: TierFactory(head_start_seconds=3_601)),
    ("enrollment_margin_in_range", lambda: EnrollmentFactory(margin_bps=9_001)),
    ("offer_one_open_of_lead", _open_again),
    ("offer_closed_at_iff_closed", lambda: _new_offer(state="closed")),
    ("offer_closed_at_iff_closed", lambda: _new_offer(end_reason="claimed")),
    ("offer_claims_within_buyers", lambda: _new_offer(claims=2)),
    ("offer_open_has_room", lambda: _new_offer(claims=1)),
    ("offerbuyer_once", _show_again),
    ("offerbuyer_claim_has_sale", lambda: _new_place(claimed_at=timezone.now())),
    ("offerbuyer_lost_has_reason", lambda: _new_place(lost_at=timezone.now())),
]

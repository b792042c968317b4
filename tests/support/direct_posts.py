"""Campaigns that ask real systems of buyers, and what a direct post left behind."""

from datetime import datetime
from typing import Any

from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment, Campaign, Delivery, DeliveryTry, Endpoint, Enrollment, Wallet
from routing.models import Lead
from tests.support.delivering import deliver_due, sign
from tests.support.factories import CampaignFactory, EndpointFactory, EnrollmentFactory, LeadFactory
from tests.support.ports import free_port
from tracing.models import AttemptResult

PRICE_CENTS = 2_500
CREDITS_CENTS = 10_000


def posting_campaign(**columns: Any) -> Campaign:
    given = {"sells_on": "acceptance", "mode": "priority", "price_cents": PRICE_CENTS, **columns}
    campaign: Campaign = CampaignFactory(**given)
    return campaign


def enroll_with(campaign: Campaign, *, priority: int, url: str, **columns: Any) -> Enrollment:
    enrollment: Enrollment = EnrollmentFactory(
        campaign=campaign, priority=priority, buyer__credits_cents=CREDITS_CENTS
    )
    sign(EndpointFactory(buyer=enrollment.buyer, url=url, timeout_seconds=2, **columns))
    return enrollment


def endpoint_of(enrollment: Enrollment) -> Endpoint:
    return Endpoint.objects.get(buyer_id=enrollment.buyer_id)


def post(campaign: Campaign, **columns: Any) -> Lead:
    """A lead whose first buyer's system is asked now."""
    lead: Lead = LeadFactory(source__workspace=campaign.workspace, **columns)
    assert distribute_lead(lead.pk).result == AttemptResult.POSTING
    return lead


def dead_url() -> str:
    """An address at which nothing listens."""
    return f"http://127.0.0.1:{free_port()}/"


def money(enrollment: Enrollment) -> tuple[int, int]:
    """Balance and held cents."""
    wallet = Wallet.objects.get(buyer_id=enrollment.buyer_id)
    return wallet.balance_cents, wallet.held_cents


def states(lead: Lead) -> list[tuple[int, str]]:
    return list(Assignment.objects.filter(lead=lead).order_by("pk").values_list("buyer_id", "state"))


def outcomes(delivery: Delivery) -> list[str]:
    tries = DeliveryTry.objects.filter(delivery_id=delivery.pk).order_by("number")
    return list(tries.values_list("outcome", flat=True))


def use_up_tries() -> tuple[Delivery, datetime]:
    """Try the only delivery until it is not due any more. Returns it, with the time of its last try."""
    at = timezone.now()
    while (delivery := Delivery.objects.get()).next_try_at is not None:
        at = max(at, delivery.next_try_at)
        deliver_due(at=at)
    return delivery, at

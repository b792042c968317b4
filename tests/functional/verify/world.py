"""The world that verify checks, and functions to read its findings."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment, Campaign, LedgerEntry
from distribution.verify import Report
from routing.models import Lead
from tests.support.factories import (
    CampaignFactory,
    ContractFactory,
    EndpointFactory,
    LeadFactory,
    SourceFactory,
    enroll,
)
from tests.support.returning import return_assignment
from tracing.models import Attempt

PRICE_CENTS = 2_500

ALL_NUMBERS = [*range(1, 16)]


@dataclass(frozen=True)
class World:
    """Two leads sold to two of three buyers each, one of the four returned; one capped out; one without a campaign."""

    campaign: Campaign
    sold: Lead
    returned: Lead
    capped: Lead
    homeless: Lead
    assignment: Assignment  # a current one of `sold`
    returned_assignment: Assignment
    attempt: Attempt  # of `sold`


def build_world() -> World:
    campaign = CampaignFactory(max_buyers=2, price_cents=PRICE_CENTS)
    for place in enroll(campaign, count=3, credits_cents=100_000, cap_day=2, budget_month_cents=50_000):
        EndpointFactory(buyer=place.buyer, live_since=timezone.now() - timedelta(days=1))
    source = SourceFactory(workspace=campaign.workspace)
    ContractFactory(source=source)
    person = {
        "first_name": "Jackson",
        "last_name": "Fulton",
        "email": "jackson.fulton@example.com",
        "phone": "+14045550123",
        "address": "12 Peachtree Street",
    }
    leads = [LeadFactory(source=source, city="Jackson", **person) for _ in range(4)]
    at = timezone.now()  # all on one day of the caps
    results = [distribute_lead(lead.pk, at=at).result for lead in leads]
    assert results == ["success", "success", "success", "deferred"]
    back = Assignment.objects.filter(lead=leads[1]).earliest("id")
    return_assignment(back.public_id, actor="test", reason="wrong number")
    homeless = LeadFactory()
    assert distribute_lead(homeless.pk).skip_reason == "no_campaign"
    return World(
        campaign=campaign,
        sold=leads[0],
        returned=leads[1],
        capped=leads[3],
        homeless=homeless,
        assignment=Assignment.objects.filter(lead=leads[0]).earliest("id"),
        returned_assignment=back,
        attempt=Attempt.objects.get(lead_id=leads[0].pk),
    )


def broken(report: Report) -> dict[int, list[str]]:
    """The invariants that do not hold, with the subject and message of each breach."""
    return {
        invariant.number: [f"{breach.subject}: {breach.message}" for breach in findings.examples]
        for invariant, findings in report.results
        if findings.breaches
    }


def ids(world: World) -> dict[str, object]:
    wallet = world.assignment.buyer.wallet
    charge = LedgerEntry.objects.get(assignment=world.assignment, kind="charge")
    return {
        "wallet": wallet.pk,
        "balance": wallet.balance_cents,
        "buyer": world.assignment.buyer_id,
        "other_buyer": Assignment.objects.filter(lead=world.sold).latest("id").buyer_id,
        "assignment": world.assignment.pk,
        "returned_assignment": world.returned_assignment.pk,
        "return": world.returned_assignment.returns.get().pk,
        "charge": charge.pk,
        "delivery": world.assignment.deliveries.get().pk,
        "other_endpoint": Assignment.objects.filter(lead=world.sold).latest("id").buyer.endpoints.get().pk,
        "enrollment": world.assignment.enrollment_id,
        "campaign": world.campaign.pk,
        "version": world.attempt.config_version,
        "sold": world.sold.pk,
        "capped": world.capped.pk,
        "homeless": world.homeless.pk,
        "attempt": world.attempt.pk,
        "homeless_attempt": Attempt.objects.get(lead_id=world.homeless.pk).pk,
        "capped_attempt": Attempt.objects.get(lead_id=world.capped.pk).pk,
    }

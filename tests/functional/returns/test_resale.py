"""A returned lead is offered once to buyers that never had it, if the policy says so."""

from datetime import timedelta

import pytest
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment, ReturnPolicy, ReturnRequest
from routing.models import Lead
from tests.support.factories import CampaignFactory, LeadFactory, ReturnPolicyFactory, SourceFactory, enroll
from tests.support.returning import return_assignment

pytestmark = pytest.mark.django_db


@pytest.fixture
def policy() -> ReturnPolicy:
    made: ReturnPolicy = ReturnPolicyFactory(resells=True)
    return made


@pytest.fixture
def lead(policy: ReturnPolicy) -> Lead:
    """Sold to the first of two buyers."""
    campaign = CampaignFactory(workspace=policy.workspace)
    enroll(campaign, count=2, credits_cents=10_000)
    made: Lead = LeadFactory(source=SourceFactory(workspace=campaign.workspace))
    assert distribute_lead(made.pk).result == "success"
    return made


def give_back(lead: Lead) -> Lead:
    held = Assignment.objects.get(lead=lead, state="sold")
    return_assignment(held.public_id, actor="ann", reason="wrong number")
    lead.refresh_from_db()
    return lead


def test_returned_lead_goes_to_the_other_buyer_once(lead: Lead) -> None:
    assert (give_back(lead).status, lead.due_reason) == ("pending", "resale")
    assert lead.next_attempt_at is not None

    assert distribute_lead(lead.pk).result == "success"

    first, second = Assignment.objects.order_by("pk")
    assert first.buyer_id != second.buyer_id
    assert (give_back(lead).status, lead.next_attempt_at) == ("returned", None)
    assert list(ReturnRequest.objects.order_by("pk").values_list("is_resold", flat=True)) == [True, False]


@pytest.mark.usefixtures("policy")
def test_without_the_setting_it_stays_returned(lead: Lead) -> None:
    ReturnPolicy.objects.update(resells=False)

    assert (give_back(lead).status, lead.next_attempt_at) == ("returned", None)


@pytest.mark.parametrize(("age_hours", "status"), [(23, "pending"), (25, "returned")])
def test_old_lead_stays_returned(lead: Lead, age_hours: int, status: str) -> None:
    ReturnPolicy.objects.update(resale_hours=24)
    Lead.objects.update(received_at=timezone.now() - timedelta(hours=age_hours))

    assert give_back(lead).status == status


def test_expired_lead_stays_returned(lead: Lead) -> None:
    Lead.objects.update(expires_at=timezone.now())

    assert give_back(lead).status == "returned"


def test_lead_that_another_buyer_holds_is_not_offered(policy: ReturnPolicy) -> None:
    campaign = CampaignFactory(workspace=policy.workspace, max_buyers=2)
    enroll(campaign, count=3, credits_cents=10_000)
    shared = LeadFactory(source=SourceFactory(workspace=campaign.workspace))
    assert distribute_lead(shared.pk).result == "success"

    return_assignment(Assignment.objects.earliest("pk").public_id, actor="ann", reason="wrong number")

    shared.refresh_from_db()
    assert (shared.status, shared.next_attempt_at) == ("distributed", None)

"""The factories create a world in which a lead is sold."""

import pytest

from distribution.attempts.distribute import distribute_lead
from distribution.models import Wallet
from routing.models import SourceKey
from routing.models.apikey import PREFIX_LENGTH, is_key
from tests.support.factories import CampaignFactory, EnrollmentFactory, LeadFactory, enroll, issue_key

pytestmark = pytest.mark.django_db


def test_lead_is_sold_to_an_enrolled_buyer() -> None:
    campaign = CampaignFactory()
    enrollment = EnrollmentFactory(campaign=campaign, buyer__credits_cents=10_000)
    lead = LeadFactory(source__workspace=campaign.workspace)

    outcome = distribute_lead(lead.pk)

    assert outcome.result == "success"
    assert outcome.is_traced
    assert Wallet.objects.get(buyer=enrollment.buyer).balance_cents == 7_500


def test_enroll_makes_buyers_of_the_campaigns_workspace_in_one_tier() -> None:
    campaign = CampaignFactory()

    enrollments = enroll(campaign, count=3, credits_cents=500, cap_day=5)

    assert {each.buyer.workspace_id for each in enrollments} == {campaign.workspace_id}
    assert {each.tier_id for each in enrollments} == {campaign.tiers.get().pk}
    assert [each.buyer.wallet.balance_cents for each in enrollments] == [500, 500, 500]


def test_issued_key_belongs_to_the_source() -> None:
    lead = LeadFactory()

    key = issue_key(lead.source)

    stored = SourceKey.objects.get(prefix=key[:PREFIX_LENGTH])
    assert stored.source == lead.source
    assert is_key(key, hashed=stored.hashed_key)

"""The facts that are read again after the locks replace those of the locked buyers only."""

import pytest

from distribution.attempts.distribute import distribute_lead
from tests.support.factories import CampaignFactory, LeadFactory, enroll
from tracing.models import Attempt, LeadDistributionEvent

pytestmark = pytest.mark.django_db


def test_unlocked_buyers_keep_their_facts() -> None:
    """Blank facts would trace a buyer with credits as `insufficient_credits`."""
    campaign = CampaignFactory(max_buyers=2)
    enrollments = enroll(campaign, count=4, credits_cents=10_000)
    lead = LeadFactory(source__workspace=campaign.workspace)

    outcome = distribute_lead(lead.pk)

    assert len(outcome.assignments) == 2
    skipped = LeadDistributionEvent.objects.filter(event="buyer_skipped")
    assert [event.skip_reason for event in skipped] == ["outranked", "outranked"]
    live = Attempt.objects.get().facts["live"]
    assert {key: facts[0] for key, facts in live.items()} == {str(each.pk): 10_000 for each in enrollments}

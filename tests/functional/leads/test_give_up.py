"""Giving up leaves nothing half done: the lead, its schedule and its trace agree."""

import pytest
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead, distribute_next_due
from distribution.verify import run_verification
from routing.leads.actions import give_up_lead
from routing.models import Lead
from tests.support.blocking import holding
from tests.support.factories import CampaignFactory, LeadFactory, SourceFactory, enroll

HOLD_WALLETS = "SELECT 1 FROM distribution_wallet FOR UPDATE"


@pytest.mark.usefixtures("committed_db")
def test_given_up_lead_is_not_started() -> None:
    """A lead that was given up must leave the schedule too."""
    campaign = CampaignFactory()
    enroll(campaign, count=1, credits_cents=10_000)
    lead = LeadFactory(source=SourceFactory(workspace=campaign.workspace))
    with holding(HOLD_WALLETS):
        assert distribute_lead(lead.pk).result == "retry"

    give_up_lead(lead.pk, at=timezone.now())

    Lead.objects.filter(next_attempt_at__isnull=False).update(next_attempt_at=timezone.now())
    assert distribute_next_due().lead_id is None
    assert distribute_lead(lead.pk).not_run == "finished"
    lead.refresh_from_db()
    assert (lead.status, lead.skip_reason, lead.attempts) == ("failed", "tier_lock_contention", 1)
    assert run_verification().holds

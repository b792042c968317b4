"""A buyer with three leads at $25.00, and a policy for every buyer of its workspace."""

from datetime import UTC, datetime
from typing import Any

from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment, ReturnPolicy
from tests.support.factories import CampaignFactory, LeadFactory, SourceFactory, enroll

SOLD_AT = datetime(2026, 3, 31, 15, tzinfo=UTC)


def sell_three() -> list[Assignment]:
    campaign = CampaignFactory(price_cents=2_500)
    enroll(campaign, count=1, credits_cents=10_000)
    source = SourceFactory(workspace=campaign.workspace)
    for _ in range(3):
        assert distribute_lead(LeadFactory(source=source).pk).result == "success"
    sold = Assignment.objects.filter(campaign=campaign)
    sold.update(created_at=SOLD_AT, counted_on=SOLD_AT.date())
    return list(sold.select_related("buyer").order_by("pk"))


def change(policy: ReturnPolicy, **columns: Any) -> None:
    ReturnPolicy.objects.filter(pk=policy.pk).update(**columns)

"""Leads that one attempt has tried, for tests of explanations."""

from datetime import UTC, datetime
from typing import Any

from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.models import Campaign
from routing.models import Lead
from tests.support.factories import (
    LeadFactory,
)

MONDAY = datetime(2026, 8, 3, 22, 30, tzinfo=UTC)  # 18:30 in New York


def distributed(lead: Lead, *, at: datetime | None = None) -> Lead:
    distribute_lead(lead.pk, at=at)
    return Lead.objects.select_related("workspace", "source").get(pk=lead.pk)


def lead_for(campaign: Campaign, **fields: Any) -> Lead:
    return LeadFactory(source__workspace=campaign.workspace, **fields)


def rerun(lead: Lead) -> None:
    Lead.objects.filter(pk=lead.pk).update(
        status="pending", next_attempt_at=timezone.now(), due_reason="manual", finished_at=None
    )

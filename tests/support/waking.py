"""An enrollment that refuses a lead, and the lead's result."""

from datetime import UTC, datetime
from typing import Any

from distribution.models import Enrollment
from routing.models import Lead, Wakeup
from tests.support.factories import CampaignFactory, LeadFactory, SourceFactory, enroll


def world(
    *, credits_cents: int = 100_000, campaign: dict[str, Any] | None = None, **enrollment: Any
) -> Enrollment:
    [place] = enroll(CampaignFactory(**campaign or {}), count=1, credits_cents=credits_cents, **enrollment)
    Wakeup.objects.all().delete()  # of the newest rows
    return place


def came(place: Enrollment, **fields: Any) -> Lead:
    workspace = place.campaign.workspace
    source = workspace.sources.first() or SourceFactory(workspace=workspace)
    return LeadFactory(source=source, **fields)


def fresh(lead: Lead) -> Lead:
    return Lead.objects.get(pk=lead.pk)


def is_due(lead: Lead) -> bool:
    lead = fresh(lead)
    return lead.next_attempt_at is not None and lead.next_attempt_at <= datetime.now(UTC)


def raise_cap(place: Enrollment) -> None:
    Enrollment.objects.filter(pk=place.pk).update(cap_day=9)

"""Leads for race tests: created together, distributed until no lead waits, and checked as `manage.py verify` does."""

from typing import Any

from distribution.attempts.campaigns import CAMPAIGNS
from distribution.attempts.distribute import distribute_lead
from distribution.attempts.outcome import AttemptOutcome
from distribution.models import Campaign
from distribution.verify import run_verification
from routing.models import Lead, LeadStatus
from tests.support.factories import LeadFactory, SourceFactory

# drain() tries leads with these reasons again. Others wait for a distant time.
BUSY_REASONS = ("", "tier_lock_contention", "database_timeout")


def make_leads(campaign: Campaign, *, count: int, **fields: Any) -> list[int]:
    """Leads for this campaign that are due now, created in one statement. Returns their ids."""
    source = SourceFactory(workspace=campaign.workspace)
    leads = Lead.objects.bulk_create(LeadFactory.build_batch(count, source=source, **fields))
    return [lead.pk for lead in leads]


def store_snapshot(campaign: Campaign) -> None:
    """As after a first attempt, which has to start twice for it."""
    campaign.refresh_from_db()
    CAMPAIGNS.store_snapshot(CAMPAIGNS.get(campaign.pk, config_version=campaign.config_version))


def drain() -> list[AttemptOutcome]:
    """Retry leads that met a busy lock, as if their time had come, until none is left."""
    outcomes = []
    while True:
        waiting = Lead.objects.filter(status=LeadStatus.PENDING, due_reason__in=BUSY_REASONS)
        rows = list(waiting.order_by("next_attempt_at").values_list("pk", "next_attempt_at"))
        if not rows:
            return outcomes
        outcomes += [distribute_lead(lead_id, at=due_at) for lead_id, due_at in rows]


def assert_verified() -> None:
    """Every invariant holds for the current rows."""
    report = run_verification()
    breaches = {
        invariant.name: findings.examples for invariant, findings in report.results if findings.breaches
    }
    assert not breaches, breaches

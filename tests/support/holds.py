"""Campaigns that sell when the buyer's system accepts the lead, and what a hold left behind."""

from datetime import datetime
from typing import Any

from django.db import transaction

from distribution.attempts.settle import Settlement, accept_sale, reject_sale
from distribution.models import Assignment, Campaign, Delivery, Enrollment, LedgerEntry, Wallet
from routing.models import Lead
from tests.support.factories import CampaignFactory, EndpointFactory, LeadFactory, SourceFactory, enroll
from tracing.models import Attempt, LeadDistributionEvent

PRICE_CENTS = 2_500
CREDITS_CENTS = 10_000


def asking_campaign(*, buyers: int, **campaign: Any) -> Campaign:
    """Buyers rank by priority in the order of their ids, and each has an endpoint that can answer."""
    made: Campaign = CampaignFactory(
        **{"price_cents": PRICE_CENTS, "mode": "priority", "sells_on": "acceptance", **campaign}
    )
    for place in range(buyers):
        [enrollment] = enroll(made, count=1, credits_cents=CREDITS_CENTS, priority=buyers - place)
        EndpointFactory(buyer=enrollment.buyer)
    return made


def lead_of(campaign: Campaign, *, at: datetime, **lead: Any) -> Lead:
    source = SourceFactory(workspace=campaign.workspace)
    made: Lead = LeadFactory(source=source, received_at=at, **lead)
    return made


def buyers_of(campaign: Campaign) -> list[int]:
    found = Enrollment.objects.filter(campaign=campaign).order_by("pk")
    return list(found.values_list("buyer_id", flat=True))


def open_hold(lead: Lead) -> Assignment:
    return Assignment.objects.get(lead=lead, state="held")


def accept(hold: Assignment, *, at: datetime) -> Settlement:
    with transaction.atomic():
        settlement = accept_sale(hold.pk, at=at)
        end_post(hold, state="accepted", at=at)
    return settlement


def reject(hold: Assignment, *, at: datetime, reason: str = "") -> Settlement:
    with transaction.atomic():
        settlement = reject_sale(hold.pk, reason=reason, at=at)
        end_post(hold, state="rejected", at=at)
    return settlement


def end_post(hold: Assignment, *, state: str, at: datetime) -> None:
    """End the direct post by hand, as far as it has no end: the answer of the buyer ends both in one transaction."""
    live = Delivery.objects.filter(assignment=hold, is_direct_post=True, ended_at__isnull=True)
    live.update(state=state, next_try_at=None, ended_at=at, ended_by="test", end_reason="no")


def money_of(buyer_id: int) -> tuple[int, int]:
    """Balance and held cents."""
    wallet = Wallet.objects.get(buyer_id=buyer_id)
    return wallet.balance_cents, wallet.held_cents


def entries_of(hold: Assignment) -> list[tuple[str, int, int]]:
    entries = LedgerEntry.objects.filter(assignment=hold).order_by("pk")
    return list(entries.values_list("kind", "amount_cents", "balance_after_cents"))


def attempts_of(lead: Lead) -> list[tuple[str, str, str, list[str]]]:
    """Trigger, result, skip reason and events of each attempt, without those of single buyers of the pool."""
    found = []
    for attempt in Attempt.objects.filter(lead_id=lead.pk).order_by("number"):
        events = LeadDistributionEvent.objects.filter(attempt_id=attempt.pk).order_by("seq")
        found.append((attempt.trigger, attempt.result, attempt.skip_reason, _names(events)))
    return found


def _names(events: Any) -> list[str]:
    common = (
        "distribution_started",
        "campaign_resolved",
        "pricing_computed",
        "buyer_pool_composed",
    )
    names = events.values_list("event", flat=True)
    return [name for name in names if name not in (*common, "buyer_skipped", "buyer_selected")]


def statuses(lead: Lead) -> tuple[str, str]:
    lead.refresh_from_db()
    return lead.status, lead.skip_reason

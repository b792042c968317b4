"""Leads sold under contracts, and what their sources are owed."""

from collections.abc import Sequence
from typing import Any

from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment, Campaign, PayableEntry
from distribution.money.wallet import refund
from routing.models import Source
from tests.support.factories import CampaignFactory, ContractFactory, LeadFactory, SourceFactory, enroll

PRICE_CENTS = 2_500


def build_campaign(*, buyers: int = 1, price_cents: int = PRICE_CENTS, **campaign: Any) -> Campaign:
    """Sells each lead to all its buyers."""
    built = CampaignFactory(max_buyers=buyers, price_cents=price_cents, **campaign)
    enroll(built, count=buyers, credits_cents=1_000_000)
    return built


def build_source(campaign: Campaign, **contract: Any) -> Source:
    """A source of the campaign's workspace with this contract."""
    source = SourceFactory(workspace=campaign.workspace)
    ContractFactory(source=source, **contract)
    return source


def sell_lead(source: Source) -> Sequence[Assignment]:
    """Sell a new lead of the source. Returns its assignments by id."""
    lead = LeadFactory(source=source)
    assert distribute_lead(lead.pk).result == "success"
    return list(Assignment.objects.filter(lead=lead).order_by("id"))


def refund_part(sold: Assignment, cents: int, *, key: str = "part") -> None:
    refund(
        assignment_id=sold.pk,
        buyer_id=sold.buyer_id,
        key=f"{key}:{sold.public_id}",
        actor="ann",
        reason="no answer",
        amount_cents=cents,
    )


def booked(source: Source) -> list[tuple[str, int]]:
    """Kind and cents of the source's entries, oldest first."""
    entries = PayableEntry.objects.filter(source=source).order_by("id")
    return list(entries.values_list("kind", "amount_cents"))

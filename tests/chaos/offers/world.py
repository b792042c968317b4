"""The campaigns and buyers of a run. `exclusive` pushes an unclaimed lead; `shared` has two places for each."""

from dataclasses import dataclass
from typing import Any, Final

from django.utils import timezone

from distribution.models import Campaign, Enrollment
from routing.models import Lead, Source
from tests.support.factories import (
    BuyerFactory,
    CampaignFactory,
    EnrollmentFactory,
    LeadFactory,
    SourceFactory,
    WorkspaceFactory,
    issue_buyer_key,
    person,
)

PRICE_CENTS: Final = 100
CREDITS_CENTS: Final = 1_000_000_000
BUYERS: Final = 4
PLACES: Final = 2
# One lead of this many is shared.
SHARED_OF: Final = 3


@dataclass(slots=True)
class World:
    sources: tuple[Source, Source]  # of exclusive and shared leads
    keys: list[tuple[int, str]]
    sent: int = 0

    def send(self, count: int) -> list[int]:
        """Store leads that are due at once. Returns their ids."""
        leads = []
        for number in range(self.sent, self.sent + count):
            source = self.sources[number % SHARED_OF == 0]
            leads.append(LeadFactory.build(source=source, received_at=timezone.now(), **who(number)))
        self.sent += count
        return [lead.pk for lead in Lead.objects.bulk_create(leads)]


def who(number: int) -> dict[str, Any]:
    return {"attributes": {"roof_age": 12}, **person(email=f"offered-{number}@example.com")}


def build_world() -> World:
    exclusive = _campaign("exclusive", offer_fallback="push", fallback_mode="priority")
    shared = _campaign("shared", offer_fallback="unsold", max_buyers=PLACES)
    campaigns = (exclusive, shared)
    keys = [_add_buyer(campaign, place) for campaign in campaigns for place in range(BUYERS)]
    return World((_source(exclusive), _source(shared)), keys)


def _campaign(name: str, **columns: Any) -> Campaign:
    workspace = WorkspaceFactory(slug=f"chaos-{name}", name=name, dispatch_mode="event")
    campaign: Campaign = CampaignFactory(
        workspace=workspace,
        name=name,
        mode="ping_post",
        price_cents=PRICE_CENTS,
        offer_fields=["zip3", "state", "attributes.roof_age"],
        **columns,
    )
    return campaign


def _add_buyer(campaign: Campaign, place: int) -> tuple[int, str]:
    buyer = BuyerFactory(workspace=campaign.workspace, credits_cents=CREDITS_CENTS)
    enrollment: Enrollment = EnrollmentFactory(campaign=campaign, buyer=buyer, priority=place)
    return enrollment.buyer_id, issue_buyer_key(buyer)


def _source(campaign: Campaign) -> Source:
    source: Source = SourceFactory(workspace=campaign.workspace)
    return source

"""Buyers with a card and automatic recharge, and the leads that use up their credits."""

from dataclasses import dataclass
from typing import Any, Final

from distribution.attempts.distribute import distribute_lead
from distribution.models import Buyer
from routing.models import Lead, Source
from tests.support.card_provider import CardProvider
from tests.support.factories import CampaignFactory, EnrollmentFactory, LeadFactory, SourceFactory
from tests.support.paying import give_card, recharge_of

BUYERS: Final = 6
PRICE_CENTS: Final = 2_000
THRESHOLD_CENTS: Final = 4_000
AMOUNT_CENTS: Final = 5_000
# No run reaches it.
LIMIT_CENTS: Final = 100_000_000


@dataclass(slots=True)
class World:
    source: Source
    buyers: list[Buyer]

    def sell(self, count: int) -> None:
        """Store leads and decide each at once, as a worker does. One that no buyer can pay for waits or fails."""
        for _ in range(count):
            lead: Lead = LeadFactory(source=self.source)
            distribute_lead(lead.pk)


def build_world(provider: CardProvider) -> World:
    campaign: Any = CampaignFactory(price_cents=PRICE_CENTS, mode="round_robin")
    buyers = [EnrollmentFactory(campaign=campaign).buyer for _ in range(BUYERS)]
    for buyer in buyers:
        give_card(buyer, provider)
        recharge_of(
            buyer,
            threshold_cents=THRESHOLD_CENTS,
            amount_cents=AMOUNT_CENTS,
            day_limit_cents=LIMIT_CENTS,
            week_limit_cents=LIMIT_CENTS,
            month_limit_cents=LIMIT_CENTS,
        )
    source: Source = SourceFactory(workspace=campaign.workspace)
    return World(source, buyers)

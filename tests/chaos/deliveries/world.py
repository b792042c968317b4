"""The campaigns, buyers and endpoints of a run, and its leads.

`exclusive` sells a lead to one of three buyers, when the buyer's system accepts it. `shared` sells each lead to two
buyers at once and sends it afterwards.
"""

from dataclasses import dataclass
from typing import Any, Final

from distribution.attempts.distribute import distribute_lead
from distribution.models import Campaign
from routing.models import Lead, Source
from tests.receivers import Receiver
from tests.support.delivering import sign
from tests.support.factories import (
    CampaignFactory,
    EndpointFactory,
    EnrollmentFactory,
    LeadFactory,
    SourceFactory,
)

PRICE_CENTS: Final = 100
CREDITS_CENTS: Final = 1_000_000_000
# Of a hundred messages.
ACCEPTED: Final = 55
ASKED: Final = 3
SHARED_BY: Final = 2
# One lead of this many is shared.
SHARED_OF: Final = 5
# The shortest, so that lost answers cost little time.
ENDPOINT: Final = {"timeout_seconds": 1, "max_in_flight": 16}


@dataclass(slots=True)
class World:
    exclusive: Campaign
    sources: tuple[Source, Source]  # of exclusive and shared leads
    sent: int = 0

    def send(self, count: int) -> None:
        """Store leads and decide each at once, as a worker does."""
        for _ in range(count):
            self.sent += 1
            source = self.sources[self.sent % SHARED_OF == 0]
            lead: Lead = LeadFactory(source=source)
            distribute_lead(lead.pk)


def build_world(receiver: Receiver) -> World:
    exclusive = _campaign(max_buyers=1, sells_on="acceptance", mode="priority")
    for place in range(ASKED):
        _add_buyer(
            exclusive,
            receiver,
            priority=ASKED - place,
            method="http",
            accept_path="status",
            accept_term="accepted",
            reason_path="reason",
        )
    shared = _campaign(max_buyers=SHARED_BY)
    for _ in range(SHARED_BY):
        _add_buyer(shared, receiver, priority=1, method="webhook")
    return World(exclusive, (_source(exclusive), _source(shared)))


def _campaign(**columns: Any) -> Campaign:
    campaign: Campaign = CampaignFactory(price_cents=PRICE_CENTS, **columns)
    return campaign


def _source(campaign: Campaign) -> Source:
    source: Source = SourceFactory(workspace=campaign.workspace)
    return source


def _add_buyer(campaign: Campaign, receiver: Receiver, *, priority: int, **endpoint: Any) -> None:
    place = EnrollmentFactory(campaign=campaign, priority=priority, buyer__credits_cents=CREDITS_CENTS)
    made = EndpointFactory(buyer=place.buyer, url=receiver.url(f"buyer/{ACCEPTED}"), **ENDPOINT, **endpoint)
    if made.method == "webhook":
        sign(made)

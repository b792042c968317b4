"""Campaigns that auction leads, and what an auction left behind."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any

from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.deliveries.bidding.bidder import Bidder
from distribution.deliveries.listening import Listener
from distribution.models import OFFERS_CHANNEL, Campaign, Enrollment, Offer, OfferBuyer
from routing.models import Lead
from tests.support.delivering import local_client
from tests.support.factories import (
    CampaignFactory,
    EnrollmentFactory,
    LeadFactory,
    PingEndpointFactory,
    SourceFactory,
)
from tests.support.waiting import LONGEST_SECONDS

CREDITS_CENTS = 100_000
FIELDS = ["zip3", "state", "attributes.roof_age"]


def auction_campaign(**campaign: Any) -> Campaign:
    given = {"mode": "auction", "price_cents": 2_500, "offer_fields": FIELDS, "offer_fallback": "unsold"}
    made: Campaign = CampaignFactory(**{**given, **campaign})
    return made


def bidder(
    campaign: Campaign, *, url: str = "", endpoint: dict[str, Any] | None = None, **columns: Any
) -> Enrollment:
    """A buyer of the campaign. With a URL its system is asked."""
    made: Enrollment = EnrollmentFactory(
        campaign=campaign, **{"buyer__credits_cents": CREDITS_CENTS, **columns}
    )
    if url:
        PingEndpointFactory(**{"buyer": made.buyer, "url": url, "test_url": url, **(endpoint or {})})
    return made


def auctioned_lead(campaign: Campaign, **columns: Any) -> Lead:
    """A lead whose auction is open."""
    source = SourceFactory(workspace=campaign.workspace)
    lead: Lead = LeadFactory(source=source, **{"attributes": {"roof_age": 12}, **columns})
    assert distribute_lead(lead.pk).result == "offered"
    return lead


def close(lead: Lead) -> Any:
    """The attempt that closes the auction, as if it were due."""
    Lead.objects.filter(pk=lead.pk, status="offered").update(next_attempt_at=timezone.now())
    return distribute_lead(lead.pk)


def auction_of(lead: Lead) -> Offer:
    return Offer.objects.filter(lead=lead).latest("pk")


def bids_of(lead: Lead, *columns: str) -> dict[int, Any]:
    """By buyer."""
    rows = OfferBuyer.objects.filter(offer=auction_of(lead)).order_by("pk")
    return {
        buyer_id: (rest[0] if len(rest) == 1 else rest)
        for buyer_id, *rest in rows.values_list("buyer_id", *columns)
    }


def answer(
    lead: Lead, enrollment: Enrollment, cents: int | None, outcome: str = "bid", **columns: Any
) -> None:
    """What the buyer's system answered, as the asker writes it."""
    row = OfferBuyer.objects.filter(offer=auction_of(lead), enrollment=enrollment, bid_outcome="")
    at = timezone.now()
    given = {
        "asked_at": at,
        "bid_cents": cents,
        "bid_at": at if cents else None,
        "bid_outcome": outcome,
        **columns,
    }
    assert row.update(latency_ms=40, **given) == 1


@contextmanager
def asking(*, threads: int = 8, distribute: Any = distribute_lead) -> Iterator[list[int]]:
    """The threads of a deliverer that ask buyers for bids, in this process.

    Yields the ids of the leads whose auctions they have closed.
    """
    stop, offers, client, closed = Event(), Event(), local_client(), list[int]()

    def close_and_note(lead_id: int) -> Any:
        outcome = distribute(lead_id)
        closed.append(lead_id)
        return outcome

    bidder = Bidder(threads=threads, client=client, distribute=close_and_note, stop=stop, wake=offers)
    listener = Listener(stop=stop, wakes={OFFERS_CHANNEL: offers})
    own = [listener, *(each for each in bidder.threads if not each.name.startswith("bid-request"))]
    for thread in (listener, *bidder.threads):
        thread.start()
    try:
        yield closed
    finally:
        stop.set()
        bidder.finish(seconds=LONGEST_SECONDS)
        for thread in own:
            thread.join(LONGEST_SECONDS)
        client.close()
    assert not any(thread.is_alive() for thread in own)

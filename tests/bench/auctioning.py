"""Auctions, opened and timed in the worker. A deliverer of its own process asks the bidders, which are a receiver."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.db import connection

from distribution.attempts.distribute import distribute_lead
from distribution.models import Campaign, Endpoint, Enrollment
from routing.places.zips import load_rows
from tests.bench.dataset import Pool, add_leads, build_pool
from tests.bench.delivering import MAX_IN_FLIGHT, NotDelivered, noted_commits, wait_for

FIELDS: Final = ["zip", "state", "attributes.roof_age"]
IS_SOLD: Final = "SELECT status = 'distributed' FROM routing_lead WHERE id = %s"
BIDS: Final = """
SELECT count(*) FILTER (WHERE b.bid_outcome = 'bid'), max(b.latency_ms)
FROM distribution_offer o JOIN distribution_offerbuyer b ON b.offer_id = o.id WHERE o.lead_id = %s
"""


def build_auction(urls: Sequence[str]) -> Pool:
    """A campaign with twice as many buyers, of which every second one is outside its area. The others are asked."""
    load_rows()
    pool = build_pool(2 * len(urls))
    Campaign.objects.filter(pk=pool.campaign_id).update(
        mode="auction", offer_fields=FIELDS, bid_deadline_ms=5_000
    )
    bidders = (
        Enrollment.objects.filter(campaign_id=pool.campaign_id).select_related("buyer").order_by("pk")[::2]
    )
    Endpoint.objects.bulk_create(
        Endpoint(
            workspace_id=pool.workspace_id,
            buyer=each.buyer,
            name="Bids",
            purpose="ping",
            method="http",
            url=url,
            accept_path="accepted",
            price_path="price",
            bid_id_path="id",
            max_in_flight=MAX_IN_FLIGHT,
        )
        for each, url in zip(bidders, urls, strict=True)
    )
    return pool


def time_auctions(pool: Pool, *, count: int, bidders: int) -> list[Mapping[str, Any]]:
    """One after the other: the ms from the commit that opens it until the sale is seen to be committed."""
    times: list[Mapping[str, Any]] = []
    with noted_commits() as commits:
        for lead_id in add_leads(pool, count):
            outcome = distribute_lead(lead_id)
            if outcome.result != "offered":
                raise NotDelivered(f"{outcome.result} {outcome.skip_reason}")
            opened = commits[-1]
            wait_for(IS_SOLD, lead_id, what="the sale")
            total_ms = (time.perf_counter() - opened) * 1000
            times.append({"total_ms": total_ms, "slowest_ms": _read_slowest(lead_id, bidders=bidders)})
    return times


def _read_slowest(lead_id: int, *, bidders: int) -> float:
    """The time of the slowest bid, as the product measured it. Raises NotDelivered if one is missing."""
    with connection.cursor() as cursor:
        cursor.execute(BIDS, [lead_id])
        bids, slowest_ms = cursor.fetchone()
    if bids != bidders:
        raise NotDelivered(f"{bids} of {bidders} buyers bid")
    return float(slowest_ms)

"""Whether the answer of a buyer's own system decided in an auction, or a standing bid. Reads only."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from django.db import connection

from distribution.models import Buyer
from tracing.vocabulary import Event

# Reasons of a buyer that passed every gate of an auction.
DECIDED_BY_BIDS: Final = frozenset(
    {"outbid", "no_bid", "bid_late", "bid_below_reserve", "below_promised_price"}
)
# A buyer whose system was not asked has the outcome no_bid too, but no latency.
ANSWERED: Final = f"""
SELECT attempt_id FROM tracing_leaddistributionevent
WHERE attempt_id = ANY(%(attempts)s::uuid[]) AND event = '{Event.BID_RECEIVED}' AND buyer_id = %(buyer)s
    AND (
        data ->> 'outcome' IN ('bid', 'refused')
        OR data ->> 'outcome' = 'no_bid' AND data ->> 'latency_ms' IS NOT NULL
    )
"""  # noqa: S608 - constants only


def find_answered(buyer: Buyer, attempt_ids: Sequence[UUID]) -> frozenset[UUID]:
    """The attempts that closed an auction in which the answer of its system counted."""
    if not attempt_ids:
        return frozenset()
    with connection.cursor() as cursor:
        cursor.execute(ANSWERED, {"attempts": list(attempt_ids), "buyer": buyer.pk})
        return frozenset(attempt_id for (attempt_id,) in cursor.fetchall())

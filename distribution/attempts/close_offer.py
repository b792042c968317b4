"""Closes the open offer of a lead whose time is over, and finds the one after which buyers' systems were asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import orjson
from django.db import connection

from distribution.models import OfferKind

# A bid that is being written holds the offer: the next statement sees it.
LOCK: Final = "SELECT FROM distribution_offer WHERE lead_id = %s AND state = 'open' FOR NO KEY UPDATE"
# The offer is locked after its lead, as in a claim. Losers: buyers whose claim was refused.
CLOSE: Final = """
WITH closed AS (
    UPDATE distribution_offer o SET state = 'closed', closed_at = %s, end_reason = CASE
        WHEN %s THEN 'canceled'
        WHEN o.kind = 'auction' AND NOT EXISTS (
            SELECT FROM distribution_offerbuyer b WHERE b.offer_id = o.id AND b.bid_outcome = ''
        ) THEN 'bids_in' ELSE 'window_over' END
    WHERE o.lead_id = %s AND o.state = 'open'
    RETURNING id, kind, end_reason, public_id, campaign_id, claims, closes_at, passed_campaign_ids
)
SELECT c.id, c.kind, c.end_reason, c.public_id, c.campaign_id, c.claims, c.closes_at, c.passed_campaign_ids, (
    SELECT jsonb_agg(
        jsonb_build_object('buyer_id', b.buyer_id, 'reason', b.lost_reason, 'late_ms', b.late_ms)
        ORDER BY b.lost_at, b.id
    )
    FROM distribution_offerbuyer b WHERE b.offer_id = c.id AND b.lost_at IS NOT NULL
)::text
FROM closed c
"""
WITHDRAW: Final = "UPDATE distribution_offer SET end_reason = 'canceled' WHERE id = %s AND state = 'closed'"
# The offer with which the next attempt of a chain of posts goes on.
LATEST: Final = """
SELECT o.id, o.kind, o.end_reason, o.public_id, o.campaign_id, o.claims, o.closes_at, o.passed_campaign_ids
FROM distribution_offer o
WHERE o.lead_id = %s AND o.state = 'closed' AND o.closed_at >= %s
ORDER BY o.id DESC LIMIT 1
"""
# After an older offer buyers are asked again: prices and wishes change. It is the longest deadline of a chain of posts.
LONGEST_KEPT: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class ClosedOffer:
    """`passed`: the campaigns that this chain of offers has passed, this one's included."""

    id: int
    kind: str
    public_id: UUID
    campaign_id: int
    claims: int
    closes_at: datetime
    passed: tuple[int, ...]
    losers: Sequence[dict[str, Any]]
    reason: str = "window_over"

    def describe(self) -> dict[str, Any]:
        """The data of its event."""
        if self.kind == OfferKind.AUCTION:
            return {"offer": str(self.public_id), "reason": self.reason}
        losers = {"losers": list(self.losers)} if self.losers else {}
        return {"offer": str(self.public_id), "reason": self.reason, "claims": self.claims, **losers}


def close_offer(lead_id: int, *, at: datetime, is_canceled: bool = False) -> ClosedOffer | None:
    """Close the offer. Needs the lead's lock. None: it has no open offer. `is_canceled`: before its time is over."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [lead_id])
        cursor.execute(CLOSE, [at, is_canceled, lead_id])
        row = cursor.fetchone()
    if row is None:
        return None
    offer_id, kind, reason, public_id, campaign_id, claims, closes_at, passed, losers = row
    found = orjson.loads(losers) if losers else ()
    return ClosedOffer(
        offer_id, kind, public_id, campaign_id, claims, closes_at, (*passed, campaign_id), found, reason
    )


def withdraw_offer(offer_id: int) -> None:
    """Write that a closed auction was not decided. Needs the lead's lock."""
    with connection.cursor() as cursor:
        cursor.execute(WITHDRAW, [offer_id])


def find_latest(lead_id: int, *, at: datetime) -> ClosedOffer | None:
    """The offer that ended before the first buyer's system was asked. Needs the lead's lock."""
    with connection.cursor() as cursor:
        cursor.execute(LATEST, [lead_id, at - LONGEST_KEPT])
        row = cursor.fetchone()
    if row is None:
        return None
    offer_id, kind, reason, public_id, campaign_id, claims, closes_at, passed = row
    return ClosedOffer(
        offer_id, kind, public_id, campaign_id, claims, closes_at, (*passed, campaign_id), (), reason
    )

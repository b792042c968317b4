"""Closes the open offer of a lead whose time is over, and says which campaign the attempt goes on with."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
from django.db import connection

# The offer is locked after its lead, as in a claim. Losers: buyers whose claim was refused.
CLOSE: Final = """
WITH closed AS (
    UPDATE distribution_offer SET state = 'closed', closed_at = %s, end_reason = 'window_over'
    WHERE lead_id = %s AND state = 'open'
    RETURNING id, public_id, campaign_id, claims, closes_at, passed_campaign_ids
)
SELECT c.public_id, c.campaign_id, c.claims, c.closes_at, c.passed_campaign_ids, (
    SELECT jsonb_agg(
        jsonb_build_object('buyer_id', b.buyer_id, 'reason', b.lost_reason, 'late_ms', b.late_ms)
        ORDER BY b.lost_at, b.id
    )
    FROM distribution_offerbuyer b WHERE b.offer_id = c.id AND b.lost_at IS NOT NULL
)::text
FROM closed c
"""


@dataclass(frozen=True, slots=True)
class ClosedOffer:
    """`passed`: the campaigns that this chain of offers has passed, this one's included."""

    public_id: UUID
    campaign_id: int
    claims: int
    closes_at: datetime
    passed: tuple[int, ...]
    losers: Sequence[dict[str, Any]]

    def describe(self) -> dict[str, Any]:
        """The data of its event."""
        losers = {"losers": list(self.losers)} if self.losers else {}
        return {"offer": str(self.public_id), "reason": "window_over", "claims": self.claims, **losers}


def close_offer(lead_id: int, *, at: datetime) -> ClosedOffer | None:
    """Close the offer. Needs the lead's lock. None: it has no open offer."""
    with connection.cursor() as cursor:
        cursor.execute(CLOSE, [at, lead_id])
        row = cursor.fetchone()
    if row is None:
        return None
    public_id, campaign_id, claims, closes_at, passed, losers = row
    found = orjson.loads(losers) if losers else ()
    return ClosedOffer(public_id, campaign_id, claims, closes_at, (*passed, campaign_id), found)

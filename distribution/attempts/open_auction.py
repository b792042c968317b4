"""Opens an auction in the transaction of an attempt: who is asked for a bid, and who bids without being asked.

The buyers' systems are asked after the commit, by the deliverer (distribution/deliveries/bidding).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final
from uuid import UUID

import orjson
from django.db import connection
from uuid6 import uuid7

from distribution.attempts.partial import Partial, make_partial
from distribution.engine import CompiledCampaign, Decision, Offered
from distribution.models.offer import WRITING
from distribution.sql_arrays import array_literal
from routing.locks.attempts import LockedLead
from tracing.vocabulary import Event

NO_BID: Final = "no ping endpoint and no standing bid"
NO_TIME: Final = "no time to ask before the lead expires"
PENALIZED_DAYS: Final = 30

ASKED: Final = """
SELECT DISTINCT buyer_id FROM distribution_endpoint
WHERE buyer_id = ANY(%s::bigint[]) AND purpose = 'ping' AND active AND disabled_at IS NULL
    AND (campaign_id IS NULL OR campaign_id = %s)
"""
# Rounded half up. Leads that were sold lately, of which some came back.
RETURNED: Final = f"""
SELECT e.id, COALESCE((
    SELECT (count(*) FILTER (WHERE a.state = 'returned') * 20000 + count(*)) / NULLIF(2 * count(*), 0)
    FROM distribution_assignment a
    WHERE a.enrollment_id = e.id AND a.created_at > %s - interval '{PENALIZED_DAYS} days'
        AND a.state IN ('sold', 'returned') AND NOT a.is_test
), 0)
FROM unnest(%s::bigint[]) AS e(id)
"""  # noqa: S608 - only a number is put in
OPEN: Final = """
WITH opened AS (
    INSERT INTO distribution_offer (
        public_id, kind, lead_id, campaign_id, attempt_id, opened_at, closes_at, max_buyers, partial,
        reserve_cents, passed_campaign_ids
    ) VALUES (%s, 'auction', %s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s::bigint[])
    RETURNING id
)
INSERT INTO distribution_offerbuyer (
    offer_id, visible_at, buyer_id, enrollment_id, tier_position, price_cents, bid_cents, bid_outcome, bid_reason,
    returned_bps
)
SELECT opened.id, %s, b.* FROM opened, unnest(
    %s::bigint[], %s::bigint[], %s::int[], %s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::int[]
) AS b
"""


@dataclass(frozen=True, slots=True)
class OpenedAuction:
    """`asked`: the buyers whose systems are asked. The others have a standing bid, or none.

    `left_out`: those that are not asked, because the lead expires too soon.
    """

    event: ClassVar[Event] = Event.AUCTION_OPENED
    public_id: UUID
    closes_at: datetime
    deadline_ms: int
    max_buyers: int
    partial: Partial
    offered: tuple[Offered, ...]
    asked: frozenset[int]
    left_out: frozenset[int]

    def describe(self) -> dict[str, Any]:
        """The data of its event: fields, never their values."""
        return {
            "offer": str(self.public_id),
            "deadline_ms": self.deadline_ms,
            "max_buyers": self.max_buyers,
            "fields": list(self.partial.values),
            **({"withheld": list(self.partial.withheld)} if self.partial.withheld else {}),
            "shown": [self._describe_bidder(each) for each in self.offered],
        }

    def _describe_bidder(self, offered: Offered) -> dict[str, Any]:
        return {
            "buyer_id": offered.buyer_id,
            "enrollment_id": offered.enrollment_id,
            "price_cents": offered.price_cents,
            "is_asked": offered.buyer_id in self.asked,
            "standing_cents": offered.standing_cents,
        }

    def start_of(self, offered: Offered) -> tuple[int | None, str, str]:
        """Bid, outcome and reason before anybody is asked. A blank outcome: the buyer's system is asked."""
        if offered.buyer_id in self.asked:
            return None, "", ""
        if offered.buyer_id in self.left_out:
            return None, "error", NO_TIME
        if offered.standing_cents is None:
            return None, "no_bid", NO_BID
        return offered.standing_cents, "standing", ""


def open_auction(
    lead: LockedLead,
    *,
    campaign: CompiledCampaign,
    decision: Decision,
    attempt_id: UUID,
    at: datetime,
    sold_count: int,
    passed: Sequence[int],
) -> OpenedAuction:
    """Store the auction. Needs the lead's lock; the caller writes the lead as `offered` until `closes_at`.

    If nobody is asked, it closes at once. `passed`: the campaigns whose offers of this lead ended just before.
    """
    bidding = find_asked([each.buyer_id for each in decision.offered], campaign_id=campaign.id)
    deadline_ms = _find_deadline(lead, campaign, at=at) if bidding else 0
    asked = bidding if deadline_ms else frozenset[int]()
    lasts = timedelta(milliseconds=deadline_ms) + WRITING if asked else timedelta()
    auction = OpenedAuction(
        public_id=UUID(int=uuid7().int),
        closes_at=min(at + lasts, lead.expires_at),
        deadline_ms=deadline_ms,
        max_buyers=campaign.max_buyers - sold_count,
        partial=make_partial(lead, fields=campaign.offer.fields),
        offered=decision.offered,
        asked=asked,
        left_out=bidding - asked,
    )
    returned = read_returned(campaign, decision.offered, at=at)
    partial = orjson.dumps(dict(auction.partial.values)).decode()
    parameters: list[Any] = [
        *(auction.public_id, lead.id, campaign.id, attempt_id, at, auction.closes_at, auction.max_buyers),
        *(partial, campaign.auction.reserve_cents, array_literal(passed), at),
        *_columns(auction, returned),
    ]
    with connection.cursor() as cursor:
        cursor.execute(OPEN, parameters)
    return auction


def _find_deadline(lead: LockedLead, campaign: CompiledCampaign, *, at: datetime) -> int:
    """In milliseconds. The bids of a lead that expires sooner must be written before it does. 0: too soon to ask."""
    left = (lead.expires_at - WRITING - at) // timedelta(milliseconds=1)
    return max(0, min(campaign.auction.bid_deadline_ms, left))


def find_asked(buyer_ids: Sequence[int], *, campaign_id: int) -> frozenset[int]:
    """The buyers whose systems are asked for a bid."""
    with connection.cursor() as cursor:
        cursor.execute(ASKED, [list(buyer_ids), campaign_id])
        return frozenset(buyer_id for (buyer_id,) in cursor.fetchall())


def read_returned(campaign: CompiledCampaign, offered: Sequence[Offered], *, at: datetime) -> dict[int, int]:
    """By enrollment. Nothing is read if the campaign does not count returns."""
    if not campaign.auction.penalizes_returns:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(RETURNED, [at, [each.enrollment_id for each in offered]])
        return dict(cursor.fetchall())


def _columns(auction: OpenedAuction, returned: dict[int, int]) -> list[list[Any]]:
    starts = [auction.start_of(each) for each in auction.offered]
    return [
        [each.buyer_id for each in auction.offered],
        [each.enrollment_id for each in auction.offered],
        [each.tier_position for each in auction.offered],
        [each.standing_cents for each in auction.offered],
        [cents for cents, _, _ in starts],
        [outcome for _, outcome, _ in starts],
        [reason for _, _, reason in starts],
        [returned.get(each.enrollment_id, 0) for each in auction.offered],
    ]

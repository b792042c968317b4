"""Opens an offer in the transaction of an attempt: the partial lead, and who is shown it from when for how much."""

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
from distribution.sql_arrays import array_literal
from routing.locks.attempts import LockedLead
from tracing.vocabulary import Event

OPEN: Final = """
WITH opened AS (
    INSERT INTO distribution_offer (
        public_id, kind, lead_id, campaign_id, attempt_id, opened_at, closes_at, max_buyers, partial,
        passed_campaign_ids
    ) VALUES (%s, 'ping_post', %s, %s, %s, %s, %s, %s, %s::jsonb, %s::bigint[])
    RETURNING id
)
INSERT INTO distribution_offerbuyer (offer_id, buyer_id, enrollment_id, tier_position, price_cents, visible_at)
SELECT opened.id, b.* FROM opened, unnest(
    %s::bigint[], %s::bigint[], %s::int[], %s::bigint[], %s::timestamptz[]
) AS b
"""


@dataclass(frozen=True, slots=True)
class OpenedOffer:
    """`shown`: each buyer, with the time from which it sees the offer."""

    event: ClassVar[Event] = Event.PING_POST_OPENED
    public_id: UUID
    closes_at: datetime
    max_buyers: int
    partial: Partial
    shown: tuple[tuple[Offered, datetime], ...]

    def describe(self) -> dict[str, Any]:
        """The data of its event: fields, never their values."""
        return {
            "offer": str(self.public_id),
            "closes_at": self.closes_at.isoformat(),
            "max_buyers": self.max_buyers,
            "fields": list(self.partial.values),
            **({"withheld": list(self.partial.withheld)} if self.partial.withheld else {}),
            "shown": [_describe_shown(each, visible_at) for each, visible_at in self.shown],
        }


def _describe_shown(offered: Offered, visible_at: datetime) -> dict[str, Any]:
    return {
        "buyer_id": offered.buyer_id,
        "enrollment_id": offered.enrollment_id,
        "price_cents": offered.price_cents,
        "visible_at": visible_at.isoformat(),
    }


def open_offer(
    lead: LockedLead,
    *,
    campaign: CompiledCampaign,
    decision: Decision,
    attempt_id: UUID,
    at: datetime,
    sold_count: int,
    passed: Sequence[int],
) -> OpenedOffer:
    """Store the offer. Needs the lead's lock; the caller writes the lead as `offered` until `closes_at`.

    `passed`: the campaigns whose offers of this lead ended unclaimed just before.
    """
    offer = OpenedOffer(
        public_id=UUID(int=uuid7().int),
        closes_at=min(at + timedelta(seconds=campaign.offer.seconds), lead.expires_at),
        max_buyers=campaign.max_buyers - sold_count,
        partial=make_partial(lead, fields=campaign.offer.fields),
        shown=tuple((each, at + timedelta(seconds=each.head_start_seconds)) for each in decision.offered),
    )
    with connection.cursor() as cursor:
        cursor.execute(
            OPEN,
            [
                *(offer.public_id, lead.id, campaign.id, attempt_id, at, offer.closes_at, offer.max_buyers),
                *(orjson.dumps(dict(offer.partial.values)).decode(), array_literal(passed)),
                *_columns(offer),
            ],
        )
    return offer


def _columns(offer: OpenedOffer) -> list[str]:
    offered = [each for each, _ in offer.shown]
    return [
        array_literal(each.buyer_id for each in offered),
        array_literal(each.enrollment_id for each in offered),
        array_literal(each.tier_position for each in offered),
        array_literal(each.price_cents for each in offered),
        array_literal(visible_at for _, visible_at in offer.shown),
    ]

"""A buyer's place in an offer, as it is read before a claim, under the lead's lock, and when a claim is refused."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection

from distribution import metrics
from distribution.models import OfferEnd
from distribution.offers.refusals import ClaimRefused, OfferNotFound

_COLUMNS: Final = """
    b.id, o.id, o.public_id, o.lead_id, o.campaign_id, b.buyer_id, b.price_cents, b.visible_at, o.closes_at,
    o.closed_at, o.end_reason, o.max_buyers, o.claims,
    (SELECT a.public_id FROM distribution_assignment a WHERE a.id = b.assignment_id),
    (SELECT l.is_test FROM routing_lead l WHERE l.id = o.lead_id), clock_timestamp()
"""
# A buyer that does not see the offer yet learns nothing about it. An auction cannot be claimed.
FIND: Final = f"""
SELECT {_COLUMNS}
FROM distribution_offer o JOIN distribution_offerbuyer b ON b.offer_id = o.id
WHERE o.public_id = %s AND b.buyer_id = %s AND b.visible_at <= COALESCE(%s, clock_timestamp())
    AND o.kind = 'ping_post'
"""  # noqa: S608 - only a constant list is put in
# The offer and the buyer's place are read from the locked rows.
LOCK: Final = f"""
SELECT {_COLUMNS}
FROM distribution_offer o JOIN distribution_offerbuyer b ON b.offer_id = o.id
WHERE b.id = %s
FOR NO KEY UPDATE OF o, b
"""  # noqa: S608 - only a constant list is put in
# The first refusal for each reason is kept, so that a client that repeats its claims writes nothing.
REFUSE: Final = """
UPDATE distribution_offerbuyer SET lost_at = %s, late_ms = %s, lost_reason = %s, lost_gates = %s::jsonb
WHERE id = %s AND claimed_at IS NULL AND lost_reason <> %s
"""


@dataclass(frozen=True, slots=True)
class OfferPlace:
    """`assignment_id`: the public id of the sale, if this buyer has claimed the lead. `ended_at` None: it is open."""

    id: int
    offer_id: int
    public_id: UUID
    lead_id: int
    campaign_id: int
    buyer_id: int
    price_cents: int
    visible_at: datetime
    closes_at: datetime
    ended_at: datetime | None
    end_reason: str
    max_buyers: int
    claims: int
    assignment_id: UUID | None
    is_test: bool
    read_at: datetime

    @property
    def is_taken(self) -> bool:
        return self.end_reason == OfferEnd.CLAIMED


def find_place(public_id: UUID, *, buyer_id: int, at: datetime | None = None) -> OfferPlace:
    """Raises OfferNotFound, also before the offer is shown to this buyer."""
    return OfferPlace(*_fetch(FIND, [public_id, buyer_id, at]))


def lock_place(place: OfferPlace) -> OfferPlace:
    """Lock the offer and the place, and read them again. Needs the lead's lock, under which alone an offer changes."""
    return OfferPlace(*_fetch(LOCK, [place.id]))


def _fetch(sql: str, parameters: list[Any]) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        row: tuple[Any, ...] | None = cursor.fetchone()
    if row is None:
        raise OfferNotFound
    return row


def record_refusal(place: OfferPlace, refusal: ClaimRefused) -> None:
    """Note when and why a claim was refused. Needs no lock and no transaction."""
    gates = json.dumps(list(refusal.gates), default=str)
    parameters = [refusal.at, refusal.late_ms, refusal.reason, gates, place.id, refusal.reason]
    with connection.cursor() as cursor:
        cursor.execute(REFUSE, parameters)
    if not place.is_test:
        metrics.CLAIMS.labels(result=refusal.code).inc()

"""The leads that a buyer was shown in an offer and did not get: its places in closed offers. Reads only."""

from functools import partial
from typing import Any, Final

from django.db import connection

from distribution.explain.decisive import IS_DECISIVE
from distribution.explain.missed_rows import (
    HEAD_COLUMNS,
    FoundLead,
    Head,
    ShownOffer,
    SkippedAttempt,
    hide_person,
)
from distribution.explain.places import COLUMNS, ENDED_AT, REASON, SALE, ExplainedPlace, describe_place
from distribution.models import Buyer
from tracing.names import BuyerName, Names

DECIDED_AT: Final = f"COALESCE(b.lost_at, {ENDED_AT})"
_PLACES: Final = f"""
SELECT a.number, {COLUMNS}, {HEAD_COLUMNS}
FROM distribution_offerbuyer b
JOIN distribution_offer o ON o.id = b.offer_id
JOIN tracing_attempt a ON a.id = o.attempt_id
JOIN routing_lead l ON l.id = o.lead_id
JOIN distribution_campaign c ON c.id = o.campaign_id
{SALE}
WHERE b.buyer_id = %(buyer)s AND o.state = 'closed' AND b.claimed_at IS NULL AND {REASON} <> '' AND NOT l.is_test
"""  # noqa: S608 - constants only
_MISSED: Final = f"{_PLACES} AND {IS_DECISIVE}"
LIST_PLACES: Final = f"""{_MISSED}
    AND b.id < %(before)s AND b.id >= %(from)s
    AND (%(reason)s::text IS NULL OR %(reason)s = {REASON}) AND {REASON} <> ALL(%(exclude)s)
    AND (%(starts_at)s::timestamptz IS NULL OR {DECIDED_AT} >= %(starts_at)s)
    AND (%(ends_at)s::timestamptz IS NULL OR {DECIDED_AT} < %(ends_at)s)
ORDER BY b.id DESC
"""
# By the lead's offers first: a buyer has many places, a lead few offers.
_OF_LEAD: Final = """
    AND o.lead_id = (SELECT y.id FROM routing_lead y WHERE y.public_id = %(lead)s)
"""
FIND_PLACE: Final = f"{_MISSED}{_OF_LEAD}ORDER BY a.number DESC"
LIST_OF_LEAD: Final = f"{_PLACES}{_OF_LEAD}ORDER BY a.number DESC"
_END: Final = 1 + len(ExplainedPlace._fields)


def read_places(sql: str, buyer: Buyer, *, limit: int, **parameters: Any) -> list[FoundLead]:
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} LIMIT {int(limit)}", {"buyer": buyer.pk, **parameters})
        rows = cursor.fetchall()
    return [_describe(row[0], ExplainedPlace(*row[1:_END]), Head(*row[_END:]), buyer) for row in rows]


def _describe(number: int, place: ExplainedPlace, head: Head, buyer: Buyer) -> FoundLead:
    names = Names(buyers={buyer.pk: BuyerName(buyer.name, buyer.timezone)})
    story = describe_place(place, names=names, hide=partial(hide_person, person=head.person()))
    decided_at = place.lost_at or place.ended_at
    assert decided_at is not None  # noqa: S101 - the offer is closed
    skip = SkippedAttempt(
        attempt_id=place.attempt_id,
        number=number,
        decided_at=decided_at,
        reason=place.reason,
        sentence=story.sentence,
        change=story.change,
        fixer=story.fixer,
        price_cents=place.price_cents,
        ranked_higher=None,
        gates=story.gates,
        offer=ShownOffer(place.offer_id, place.visible_at, place.ended_at, place.claimed_at, place.late_ms),
    )
    return FoundLead(place.id, head, skip)

"""The returned leads that a source pays for: which lead, on which day, and how much was deducted.

Names no buyer and no reason: the source reads it too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from django.db import connection

MAX_LISTED: Final = 1_000

# Leads of which nothing was deducted came back under a contract that pays for them.
CHARGED_BACK: Final = """
SELECT (e.created_at AT TIME ZONE %(timezone)s)::date, l.public_id, l.external_id, e.amount_cents
FROM distribution_payableentry e JOIN routing_lead l ON l.id = e.lead_id
WHERE e.source_id = %(source)s AND e.created_at >= %(starts_at)s AND e.created_at < %(ends_at)s
    AND e.kind = 'deducted' AND e.amount_cents < 0
ORDER BY e.created_at DESC, e.id DESC LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class ChargedBackLead:
    """`external_id`: the sender's own id of the lead. `deducted_cents` is below 0, as in the statement."""

    day: date
    lead_id: UUID
    external_id: str
    deducted_cents: int


def read_charged_back(given: Mapping[str, Any]) -> Sequence[ChargedBackLead]:
    """The newest MAX_LISTED of a period. `given`: source, timezone, starts_at and ends_at."""
    with connection.cursor() as cursor:
        cursor.execute(CHARGED_BACK, {**given, "limit": MAX_LISTED})
        rows = cursor.fetchall()
    return [
        ChargedBackLead(day, lead_id, external_id or "", int(cents))
        for day, lead_id, external_id, cents in rows
    ]

"""How many pings of each source were answered with a price, and how many of those a lead followed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection

from tracing.wording import count

# Test pings are left out, as test leads are left out of other figures.
READ: Final = """
SELECT p.source_id, count(*), count(p.price_cents), count(l.id)
FROM routing_ping p
LEFT JOIN routing_lead l ON l.ping_id = p.id
WHERE p.source_id = ANY(%s) AND p.created_at >= %s AND NOT p.is_test
GROUP BY p.source_id
"""


@dataclass(frozen=True, slots=True)
class PingFigures:
    """`priced` of the pings got a price, and `used` of those a lead."""

    pings: int
    priced: int
    used: int

    @property
    def sentence(self) -> str:
        if not self.priced:
            return f"{count(self.pings, 'ping')}, none with a price"
        rate = round(100 * self.used / self.priced)
        return f"{count(self.pings, 'ping')}, {self.priced:,} with a price, {self.used:,} used ({rate}%)"


def read_ping_figures(source_ids: Sequence[int], *, since: datetime) -> Mapping[int, PingFigures]:
    """Return the figures of those sources that pinged since then."""
    with connection.cursor() as cursor:
        cursor.execute(READ, [list(source_ids), since])
        return {source_id: PingFigures(*figures) for source_id, *figures in cursor.fetchall()}

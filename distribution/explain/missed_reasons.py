"""Which reasons occur among the leads that a buyer missed lately, for a filter of them. Reads only."""

from typing import Final

from django.db import connection

from distribution.explain.decisive import LEFT_OUT
from distribution.explain.missed_rows import MISSED_REASONS
from distribution.explain.places import REASON, SALE
from distribution.models import Buyer
from tracing.vocabulary import Event

# Of each kind of row, newest first: skips, and places in offers.
NEWEST_ROWS: Final = 500
FIND_REASONS: Final = f"""
SELECT DISTINCT reason FROM (
    (SELECT e.skip_reason AS reason
    FROM tracing_leaddistributionevent e JOIN routing_lead l ON l.id = e.lead_id
    WHERE e.event = '{Event.BUYER_SKIPPED}' AND e.buyer_id = %(buyer)s AND NOT l.is_test AND NOT {LEFT_OUT.format("e")}
    ORDER BY e.id DESC LIMIT {NEWEST_ROWS})
    UNION ALL
    (SELECT {REASON}
    FROM distribution_offerbuyer b
    JOIN distribution_offer o ON o.id = b.offer_id
    JOIN routing_lead l ON l.id = o.lead_id
    {SALE}
    WHERE b.buyer_id = %(buyer)s AND o.state = 'closed' AND NOT l.is_test
    ORDER BY b.id DESC LIMIT {NEWEST_ROWS})
) newest
WHERE reason = ANY(%(known)s)
"""  # noqa: S608 - constants only


def find_reasons(buyer: Buyer) -> set[str]:
    """A reason of an attempt that a later one replaced may be among them."""
    with connection.cursor() as cursor:
        cursor.execute(FIND_REASONS, {"buyer": buyer.pk, "known": MISSED_REASONS})
        return {reason for (reason,) in cursor.fetchall()}

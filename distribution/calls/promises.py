"""Until when a verification can help a lead whose source was promised a price.

A source may have its leads end with the promise. Nobody buys such a lead afterwards, so nobody calls its person for it.
"""

from datetime import datetime
from typing import Final

from django.db import connection

from routing.models import AfterPromise
from routing.models.ping import PROMISE_LASTS

# Of a lead `l`. A partly sold one has paid the promised price already.
LAST_PROMISE: Final = f"""
SELECT l.received_at + {PROMISE_LASTS}
FROM routing_ping p JOIN routing_source s ON s.id = p.source_id
WHERE p.id = l.ping_id AND s.after_promise = '{AfterPromise.END.value}' AND NOT l.is_partly_sold
"""  # noqa: S608 - only constants are put in
READ_LAST_PROMISE: Final = f"SELECT ({LAST_PROMISE}) FROM routing_lead l WHERE l.id = %s"  # noqa: S608 - as above


def read_last_promise(lead_id: int) -> datetime | None:
    """When the promise ends after which the lead is not sold. None: it may be sold later too."""
    with connection.cursor() as cursor:
        cursor.execute(READ_LAST_PROMISE, [lead_id])
        row = cursor.fetchone()
    ends_at: datetime | None = None if row is None else row[0]
    return ends_at

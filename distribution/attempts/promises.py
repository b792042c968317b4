"""Reads what a source was promised for a lead that it sent with a ping, and what its contract pays now."""

from datetime import datetime
from typing import Final

from django.db import connection

from distribution.engine import Promise, Terms
from routing.locks.attempts import LockedLead
from routing.models import AfterPromise
from routing.models.ping import PROMISE_LASTS

# What the contract of the source `s` pays for a sale at that time: payable_triggers. Joined as `c`, NULLs without one.
TERMS: Final = """
LEFT JOIN LATERAL (
    SELECT v.pays, COALESCE(v.amount_cents, v.share_bps, 0) AS amount FROM distribution_sourcecontract v
    WHERE v.source_id = s.id AND v.starts_at <= %(at)s
    ORDER BY v.starts_at DESC, v.id DESC LIMIT 1
) c ON TRUE
"""
READ_PROMISE: Final = f"""
SELECT p.price_cents, COALESCE(c.pays, 'nothing'), COALESCE(c.amount, 0),
    %(received_at)s + {PROMISE_LASTS}, s.after_promise
FROM routing_ping p
JOIN routing_source s ON s.id = p.source_id
{TERMS}
WHERE p.id = %(ping_id)s
"""  # noqa: S608 - only constants are put in


def read_promise(lead: LockedLead, *, at: datetime) -> Promise | None:
    """Return what must be kept at `at`. A partly sold lead has paid the promised price already."""
    if lead.ping_id is None or lead.is_partly_sold:
        return None
    with connection.cursor() as cursor:
        cursor.execute(READ_PROMISE, {"at": at, "received_at": lead.received_at, "ping_id": lead.ping_id})
        price_cents, pays, amount, ends_at, after = cursor.fetchone()
    is_last = after == AfterPromise.END
    if ends_at <= at and not is_last:
        return None
    return Promise(price_cents, Terms(pays, amount), ends_at, is_last=is_last)

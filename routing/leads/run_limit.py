"""Limits how often one lead can be tried on request, because each try writes an attempt and its trace.

PostgreSQL counts, not Redis: the limit applies while Redis is away, and a rollback of the request undoes the count. The
limit is a bucket that refills evenly, stored as the time at which it is full again (as in routing.redis.rate_limit).
"""

import math
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import connection

from routing.models.allowance import AskedBy

PERIOD: Final = timedelta(hours=1)

# One statement decides and counts. Of two concurrent requests, the second waits for the row and sees the first's count.
TAKE: Final = """
INSERT INTO routing_leadallowance AS a (lead_id, asked_by, full_at)
VALUES (%(lead_id)s, %(asked_by)s, %(at)s::timestamptz + %(each)s::interval)
ON CONFLICT (lead_id, asked_by) DO UPDATE
SET full_at = greatest(a.full_at, %(at)s::timestamptz) + %(each)s::interval
WHERE greatest(a.full_at, %(at)s::timestamptz) + %(each)s::interval <= %(at)s::timestamptz + %(period)s::interval
RETURNING id
"""
READ: Final = "SELECT full_at FROM routing_leadallowance WHERE lead_id = %s AND asked_by = %s"


def take(lead_id: int, *, asked_by: AskedBy, at: datetime) -> int:
    """Count one request. Return 0 or the seconds until one is allowed. Needs the transaction that acts on it."""
    each = PERIOD / int(settings.LEADSWITCH_LEAD_TRIES_PER_HOUR[asked_by.value])
    with connection.cursor() as cursor:
        limits: Any = {"each": each, "period": PERIOD}  # psycopg sends a timedelta as an interval
        cursor.execute(TAKE, {"lead_id": lead_id, "asked_by": asked_by.value, "at": at, **limits})
        if cursor.fetchone() is not None:
            return 0
        cursor.execute(READ, [lead_id, asked_by.value])
        full_at: datetime = cursor.fetchone()[0]
    return max(1, math.ceil((full_at + each - PERIOD - at).total_seconds()))

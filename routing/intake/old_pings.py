"""Removes pings that no lead followed. The ping of a lead is kept with the lead."""

from typing import Final

from django.conf import settings
from django.db import connection

from routing.metrics.intake import PINGS_REMOVED

DELETED_PER_BATCH: Final = 1_000

# An expired ping can no longer be used, so no lead can refer to one that is deleted.
FORGET: Final = """
DELETE FROM routing_ping WHERE id IN (
    SELECT p.id FROM routing_ping p
    WHERE p.created_at < now() - make_interval(days => %s)
        AND NOT EXISTS (SELECT FROM routing_lead l WHERE l.ping_id = p.id)
    ORDER BY p.created_at LIMIT %s
    FOR UPDATE SKIP LOCKED
)
"""


def forget_old_pings() -> int:
    """Delete unused pings older than LEADSWITCH_PING_DAYS in batches, and return their number."""
    forgotten: int = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(FORGET, [settings.LEADSWITCH_PING_DAYS, DELETED_PER_BATCH])
            removed = cursor.rowcount
        PINGS_REMOVED.inc(removed)
        forgotten += removed
        if removed < DELETED_PER_BATCH:
            return forgotten

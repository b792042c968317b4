"""Removes pings that no lead followed. The ping of a lead is kept with the lead, and not looked at again."""

from typing import Final

from django.conf import settings
from django.db import connection

from routing.metrics.intake import PINGS_REMOVED

PINGS_PER_BATCH: Final = 1_000

# An expired ping can no longer be used, so no lead can refer to one that is deleted.
OLDEST: Final = """
SELECT id FROM routing_ping
WHERE NOT is_kept AND created_at < now() - make_interval(days => %s)
ORDER BY created_at LIMIT %s
FOR UPDATE SKIP LOCKED
"""
# Arrays, so that PostgreSQL looks rows up by key, however large it takes the batch for.
FORGET: Final = f"""
WITH batch AS MATERIALIZED ({OLDEST}),
used AS MATERIALIZED (
    SELECT ping_id AS id FROM routing_lead
    WHERE ping_id IS NOT NULL AND ping_id = ANY(ARRAY(SELECT id FROM batch))
),
kept AS (
    UPDATE routing_ping SET is_kept = true WHERE id = ANY(ARRAY(SELECT id FROM used)) RETURNING id
),
removed AS (
    DELETE FROM routing_ping WHERE id = ANY(ARRAY(SELECT id FROM batch EXCEPT SELECT id FROM used)) RETURNING id
)
SELECT (SELECT count(*) FROM kept), (SELECT count(*) FROM removed)
"""  # noqa: S608 - only a statement without values is put in


def forget_old_pings() -> int:
    """Delete unused pings older than LEADSWITCH_PING_DAYS in batches, and return their number."""
    forgotten: int = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(FORGET, [settings.LEADSWITCH_PING_DAYS, PINGS_PER_BATCH])
            kept, removed = cursor.fetchone()
        PINGS_REMOVED.inc(removed)
        forgotten += removed
        if kept + removed < PINGS_PER_BATCH:
            return forgotten

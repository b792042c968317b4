"""Reads of routing for API, admin and tasks."""

from typing import Final

from django.db import connection

COUNT_DUE: Final = """
SELECT count(*) FROM (
    SELECT 1
    FROM routing_lead l JOIN routing_workspace w ON w.id = l.workspace_id
    WHERE l.status = 'pending' AND l.next_attempt_at <= statement_timestamp() AND w.paused_at IS NULL
    LIMIT %s
) due
"""


def count_due(*, limit: int) -> int:
    """Return how many leads are due, counting no further than `limit`."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT_DUE, [limit])
        return int(cursor.fetchone()[0])

"""Claims of leads that should have ended: their owner is gone. The page Health and the exporter count them."""

from collections.abc import Sequence
from typing import Final

from django.conf import settings
from django.db import connection

COUNT: Final = """
SELECT count(*) FROM (
    SELECT FROM routing_lead
    WHERE status = 'calling' AND locked_at < statement_timestamp() - make_interval(secs => %(age)s)
        AND (%(ids)s::bigint[] IS NULL OR workspace_id = ANY(%(ids)s))
    LIMIT %(most)s
) stale
"""


def count_stale(ids: Sequence[int] | None, *, most: int) -> int:
    """Count claims that are older than LEADSWITCH_CLAIM_MAX_SECONDS, up to `most`. `ids`: the workspaces; None: all."""
    values = {
        "ids": None if ids is None else list(ids),
        "most": most,
        "age": settings.LEADSWITCH_CLAIM_MAX_SECONDS,
    }
    with connection.cursor() as cursor:
        cursor.execute(COUNT, values)
        [(number,)] = cursor.fetchall()
    return int(number)

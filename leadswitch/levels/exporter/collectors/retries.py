"""The retry queue: leads that were tried and are due again."""

from typing import Final

from django.conf import settings

from leadswitch.levels.exporter.collectors.limits import AT_MOST, COUNTED_TO, NOT_PAUSED, WAITS_SINCE
from leadswitch.levels.exporter.series import CollectorRow, Series, Values
from leadswitch.levels.rows import fetch_row, fetch_rows
from routing.leads.due_retries import IS_DUE_RETRY

OPEN: Final = Series(
    "leadswitch_retries_open", f"Leads in the retry queue, due or not, paused ones included. {AT_MOST}"
)
DUE: Final = Series(
    "leadswitch_retries_due", f"Leads in the retry queue that are due. {NOT_PAUSED} {AT_MOST}"
)
OLDEST: Final = Series(
    "leadswitch_retry_oldest_due_age_seconds",
    f"How long the retry that waits longest has been due; 0: none is due. {NOT_PAUSED}",
)
WORST: Final = Series(
    "leadswitch_retries_due_worst_workspace", f"The most due retries in one workspace. {NOT_PAUSED}"
)
BY_WORKSPACE: Final = Series(
    "leadswitch_workspace_retries_due",
    f"Due retries of the workspaces with the most of them (LEADSWITCH_EXPORTER_WORST). {NOT_PAUSED}",
    "workspace",
)

# Read in due order from lead_retry_queue.
COUNT_OPEN: Final = """
SELECT count(*) FROM (
    SELECT FROM routing_lead WHERE status = 'pending' AND attempts > 0
    ORDER BY next_attempt_at, id LIMIT %(limit)s
) retries
"""
COUNT_DUE: Final = f"""
WITH due AS MATERIALIZED (
    SELECT l.workspace_id, {WAITS_SINCE} AS since FROM routing_lead l
    JOIN routing_workspace w ON w.id = l.workspace_id
    WHERE {IS_DUE_RETRY}
    ORDER BY l.next_attempt_at, l.id LIMIT %(limit)s
)
SELECT w.slug, counted.leads, extract(epoch FROM statement_timestamp() - counted.at)::float8
FROM (SELECT workspace_id, count(*) AS leads, min(since) AS at FROM due GROUP BY 1) counted
JOIN routing_workspace w ON w.id = counted.workspace_id
ORDER BY counted.leads DESC, w.slug
"""  # noqa: S608 - only constants are put in


def read() -> Values:
    (opened,) = fetch_row(COUNT_OPEN, {"limit": COUNTED_TO})
    rows = fetch_rows(COUNT_DUE, {"limit": COUNTED_TO})
    return {
        OPEN: opened,
        DUE: sum(leads for _, leads, _ in rows),
        OLDEST: max((age for _, _, age in rows), default=0.0),
        WORST: rows[0][1] if rows else 0,
        BY_WORKSPACE: {slug: leads for slug, leads, _ in rows[: settings.LEADSWITCH_EXPORTER_WORST]},
    }


RETRIES: Final = CollectorRow("retries", (OPEN, DUE, OLDEST, WORST, BY_WORKSPACE), read)

"""What happened in the last hour, by workspace, and how long ago the last decision was."""

from typing import Final

from django.conf import settings

from leadswitch.levels.exporter.series import CollectorRow, Series, Values
from leadswitch.levels.rows import fetch_row, fetch_rows

DUPLICATES: Final = Series(
    "leadswitch_workspace_duplicates",
    "Duplicates in the last hour, of the workspaces with the most of them (LEADSWITCH_EXPORTER_WORST).",
    "workspace",
)
FAILURES: Final = Series(
    "leadswitch_workspace_failures",
    "Failed attempts in the last hour, of the workspaces with the most of them (LEADSWITCH_EXPORTER_WORST).",
    "workspace",
)
LAST_DECISION: Final = Series(
    "leadswitch_last_decision_age_seconds",
    "Time since an attempt last ended with a decision. Not shown if there was none among the latest attempts.",
)
RESULTS: Final = {DUPLICATES: "duplicate", FAILURES: "failed"}
LATEST_ATTEMPTS: Final = 10_000

# Reads only attempt_watched_real. An attempt that was not routed belongs to the workspace that the lead came from.
COUNT_HOUR: Final = """
SELECT w.slug, counted.result, counted.attempts FROM (
    SELECT coalesce(destination_workspace_id, source_workspace_id) AS workspace_id, result, count(*) AS attempts
    FROM tracing_attempt
    WHERE result IN ('duplicate', 'expired', 'failed') AND result <> 'expired' AND NOT is_test
        AND started_at > statement_timestamp() - interval '1 hour'
    GROUP BY 1, 2
) counted
JOIN routing_workspace w ON w.id = counted.workspace_id
ORDER BY counted.attempts DESC, w.slug
"""
READ_LAST_DECISION: Final = """
SELECT extract(epoch FROM statement_timestamp() - max(finished_at))::float8 FROM (
    SELECT result, finished_at FROM tracing_attempt ORDER BY started_at DESC LIMIT %(limit)s
) latest WHERE result <> 'retry'
"""


def read() -> Values:
    rows = fetch_rows(COUNT_HOUR)
    values: dict[Series, float | dict[str, float]] = {}
    for series, result in RESULTS.items():
        counts = [(slug, attempts) for slug, found, attempts in rows if found == result]
        values[series] = dict(counts[: settings.LEADSWITCH_EXPORTER_WORST])
    (age,) = fetch_row(READ_LAST_DECISION, {"limit": LATEST_ATTEMPTS})
    if age is not None:
        values[LAST_DECISION] = age
    return values


HOUR: Final = CollectorRow("hour", (DUPLICATES, FAILURES, LAST_DECISION), read)

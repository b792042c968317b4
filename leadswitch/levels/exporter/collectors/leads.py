"""Leads that wait for a decision, expired leads, and claims whose owner is gone."""

from typing import Final

from django.conf import settings

from leadswitch.levels.exporter.collectors.limits import AT_MOST, COUNTED_TO, NOT_PAUSED, WAITS_SINCE
from leadswitch.levels.exporter.series import CollectorRow, Series, Values
from leadswitch.levels.objectives import AVAILABILITY_DEADLINE_SECONDS, LATENCY_LIMIT_SECONDS
from leadswitch.levels.rows import fetch_row
from routing.leads.due_retries import PRODUCT_RUNS

OVERDUE_SECONDS: Final = 5

DUE: Final = Series("leadswitch_leads_due", f"Leads that are due. {NOT_PAUSED} {AT_MOST}")
OLDEST: Final = Series(
    "leadswitch_lead_oldest_due_age_seconds",
    f"How long the lead that waits longest has been due; 0: none is due. {NOT_PAUSED}",
)
UNDECIDED: Final = Series(
    "leadswitch_undecided_leads",
    f"Leads that have been due for longer than the limit of an objective: latency {LATENCY_LIMIT_SECONDS} s,"
    f" availability {AVAILABILITY_DEADLINE_SECONDS} s. {NOT_PAUSED} {AT_MOST}",
    "limit",
)
OVERDUE: Final = Series(
    "leadswitch_leads_overdue",
    f"Leads that have been due for longer than {OVERDUE_SECONDS} s. {NOT_PAUSED} {AT_MOST}",
)
EXPIRED: Final = Series(
    "leadswitch_leads_expired_last_day", f"Leads that expired in the last 24 hours. {AT_MOST}"
)
STALE_LOCKS: Final = Series(
    "leadswitch_stale_locks",
    f"Leads whose claim is older than LEADSWITCH_CLAIM_MAX_SECONDS. {AT_MOST}",
)

# Of each running workspace in due order from lead_workspace_due. The ages come from the earliest lead of each, so that
# a workspace that uses up the limit does not hide them.
COUNT_DUE: Final = f"""
WITH heads AS MATERIALIZED (
    SELECT w.id, w.resumed_at, head.at, head.since FROM routing_workspace w
    CROSS JOIN LATERAL (
        SELECT l.next_attempt_at AS at, {WAITS_SINCE} AS since FROM routing_lead l
        WHERE l.workspace_id = w.id AND l.status = 'pending' AND l.paused_at IS NULL
            AND l.next_attempt_at <= statement_timestamp()
        ORDER BY l.next_attempt_at, l.id LIMIT 1
    ) head
    WHERE w.paused_at IS NULL AND {PRODUCT_RUNS}
), due AS (
    SELECT extract(epoch FROM statement_timestamp() - lead.since) AS age
    FROM (SELECT * FROM heads ORDER BY at, id) w
    CROSS JOIN LATERAL (
        SELECT {WAITS_SINCE} AS since FROM routing_lead l
        WHERE l.workspace_id = w.id AND l.status = 'pending' AND l.paused_at IS NULL
            AND l.next_attempt_at <= statement_timestamp()
        ORDER BY l.next_attempt_at, l.id LIMIT %(limit)s
    ) lead
    LIMIT %(limit)s
)
SELECT count(*), count(*) FILTER (WHERE age > %(latency)s), count(*) FILTER (WHERE age > %(availability)s),
    count(*) FILTER (WHERE age > %(overdue)s),
    (SELECT extract(epoch FROM statement_timestamp() - min(since))::float8 FROM heads)
FROM due
"""  # noqa: S608 - only constants are put in
COUNT_EXPIRED: Final = """
SELECT count(*) FROM (
    SELECT FROM tracing_attempt WHERE result IN ('duplicate', 'expired', 'failed') AND result = 'expired'
        AND started_at > statement_timestamp() - interval '24 hours'
    LIMIT %(limit)s
) expired
"""
COUNT_STALE: Final = """
SELECT count(*) FROM (
    SELECT FROM routing_lead
    WHERE status = 'calling' AND locked_at < statement_timestamp() - make_interval(secs => %(seconds)s)
    LIMIT %(limit)s
) stale
"""


def read() -> Values:
    limits = {
        "latency": LATENCY_LIMIT_SECONDS,
        "overdue": OVERDUE_SECONDS,
        "availability": AVAILABILITY_DEADLINE_SECONDS,
    }
    due, latency, availability, overdue, oldest = fetch_row(COUNT_DUE, {"limit": COUNTED_TO, **limits})
    (expired,) = fetch_row(COUNT_EXPIRED, {"limit": COUNTED_TO})
    stale_after = {"limit": COUNTED_TO, "seconds": settings.LEADSWITCH_CLAIM_MAX_SECONDS}
    (stale,) = fetch_row(COUNT_STALE, stale_after)
    return {
        DUE: due,
        OLDEST: oldest or 0.0,
        UNDECIDED: {"latency": latency, "availability": availability},
        OVERDUE: overdue,
        EXPIRED: expired,
        STALE_LOCKS: stale,
    }


LEADS: Final = CollectorRow("leads", (DUE, OLDEST, UNDECIDED, OVERDUE, EXPIRED, STALE_LOCKS), read)

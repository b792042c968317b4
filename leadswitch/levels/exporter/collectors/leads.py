"""Leads that wait for a decision, expired leads, and claims whose owner is gone."""

from datetime import timedelta
from typing import Final

from leadswitch.levels.exporter.collectors.limits import AT_MOST, COUNTED_TO, NOT_PAUSED
from leadswitch.levels.exporter.series import CollectorRow, Series, Values
from leadswitch.levels.objectives import AVAILABILITY_DEADLINE_SECONDS, LATENCY_LIMIT_SECONDS
from leadswitch.levels.rows import fetch_row
from routing.leads.stale_claims import count_stale
from routing.leads.undecided import count_undecided, find_oldest_due

OVERDUE_SECONDS: Final = 5

DUE: Final = Series("leadswitch_leads_due", f"Leads that are due. {NOT_PAUSED} {AT_MOST}")
OLDEST: Final = Series(
    "leadswitch_lead_oldest_due_age_seconds",
    f"How long the lead that waits longest has been due; 0: no lead is due. {NOT_PAUSED}",
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
    f"Stale locks: leads whose claim is older than LEADSWITCH_CLAIM_MAX_SECONDS. {AT_MOST}",
)

COUNT_EXPIRED: Final = """
SELECT count(*) FROM (
    SELECT FROM tracing_attempt WHERE result IN ('duplicate', 'expired', 'failed') AND result = 'expired'
        AND NOT is_test AND started_at > statement_timestamp() - interval '24 hours'
    LIMIT %(limit)s
) expired
"""


def read() -> Values:
    """Late leads and stale locks are counted by the statements of the page Health."""
    oldest = find_oldest_due(None)
    (expired,) = fetch_row(COUNT_EXPIRED, {"limit": COUNTED_TO})
    return {
        DUE: _count_due_for(0),
        OLDEST: 0.0 if oldest is None else oldest.seconds,
        UNDECIDED: {
            "latency": _count_due_for(LATENCY_LIMIT_SECONDS),
            "availability": _count_due_for(AVAILABILITY_DEADLINE_SECONDS),
        },
        OVERDUE: _count_due_for(OVERDUE_SECONDS),
        EXPIRED: expired,
        STALE_LOCKS: count_stale(None, most=COUNTED_TO),
    }


def _count_due_for(seconds: int) -> int:
    return count_undecided(None, over=timedelta(seconds=seconds), most=COUNTED_TO)


LEADS: Final = CollectorRow("leads", (DUE, OLDEST, UNDECIDED, OVERDUE, EXPIRED, STALE_LOCKS), read)

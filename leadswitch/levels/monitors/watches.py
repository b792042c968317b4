"""Which conditions each alert has in Datadog, and why some alerts have none.

A limit and a window are those of the alert's PromQL. Datadog has no `for`: a gauge must be beyond its limit in the
whole window, and an increase is measured over the longer of its range and its `for`.
"""

from dataclasses import replace
from typing import Final

from leadswitch.levels.alerts.alert import Alert, Job
from leadswitch.levels.dashboards.boards.queries import is_none_of, is_one_of
from leadswitch.levels.dashboards.expressions import Gauge, ProcessAggregation, Quantile, Scaled, Series
from leadswitch.levels.monitors.burn import watch_burn
from leadswitch.levels.monitors.call_watches import CALL_WATCHES
from leadswitch.levels.monitors.condition import Compare, Condition, JobDown, Watch, WindowAggregation
from leadswitch.levels.monitors.delivery_watches import DELIVERY_WATCHES
from leadswitch.levels.monitors.forms import above, at_least, increase, is_zero, more, share, stays_above
from leadswitch.levels.monitors.offer_watches import OFFER_WATCHES
from leadswitch.levels.monitors.payment_watches import PAYMENT_WATCHES
from leadswitch.levels.objectives import DUE_RETRIES

ATTEMPTS: Final = "leadswitch_attempts_total"
LOCKS: Final = "leadswitch_lead_lock_seconds_count"
DUE_TO_DECISION: Final = "leadswitch_due_to_decision_seconds"
FAILED: Final = is_one_of("result", "failed")
NOT_DECIDED: Final = is_one_of("result", "failed", "retry")
ACQUIRED: Final = is_one_of("outcome", "acquired")
A_MINUTE: Final = 1 / 5  # of an increase over 5 minutes


HALTED: Final = Watch(
    (
        Condition(
            part="overdue",
            expression=Gauge(Series("leadswitch_leads_overdue")),
            aggregation=WindowAggregation.MIN,
            window="2m",
            compare=Compare.ABOVE,
            limit=10,
            tells_no_data=True,
        ),
        Condition(
            part="last decision",
            expression=Gauge(Series("leadswitch_last_decision_age_seconds")),
            aggregation=WindowAggregation.MAX,
            window="2m",
            compare=Compare.ABOVE,
            limit=120,
            tells_no_data=True,
        ),
        Condition(
            part="no decision",
            expression=increase("leadswitch_leads_decided_total"),
            aggregation=WindowAggregation.SUM,
            window="2m",
            compare=Compare.EQUAL,
            limit=0,
            is_zero_without_data=True,
        ),
    )
)
NO_LEADER: Final = Watch(
    (
        Condition(
            part="leaders",
            expression=Gauge(Series("leadswitch_leaders")),
            aggregation=WindowAggregation.MAX,
            window="1m",
            compare=Compare.EQUAL,
            limit=0,
        ),
        stays_above(
            Gauge(Series("leadswitch_workspaces", (is_one_of("mode", "event"),))), 0, "1m", part="event mode"
        ),
    )
)
SHARD_WAITING: Final = Watch(
    (
        stays_above(
            Gauge(Series("leadswitch_redis_schedule_overdue_leads"), ("shard",)), 100, "2m", part="shard"
        ),
        stays_above(Gauge(Series("leadswitch_leads_overdue")), 100, "2m", part="overdue"),
    )
)
CANARY_LATE: Final = Watch(
    (
        stays_above(Gauge(Series("leadswitch_canary_late_seconds")), 0, "2m", part="canary"),
        stays_above(Gauge(Series("leadswitch_leaders")), 0, "2m", part="leaders"),
    )
)
WORKERS_HALVED: Final = Watch(
    (
        Condition(
            expression=Gauge(Series("leadswitch_workers")),
            aggregation=WindowAggregation.MAX,
            window="2m",
            compare=Compare.AT_MOST,
            limit=-50,
            compared_with="1h",
        ),
    ),
    summary="The number of workers alive changed by {{value}} % within an hour.",
)
WATCHES: Final[dict[str, Watch]] = {
    "LeadSwitchFailureRateHigh": Watch(
        (
            share(
                increase(ATTEMPTS, FAILED),
                increase(ATTEMPTS, is_none_of("result", "retry")),
                "15m",
                Compare.ABOVE,
                0.10,
            ),
            at_least(increase(ATTEMPTS, FAILED), "15m", 5),
        )
    ),
    "LeadSwitchSuccessRateLow": Watch(
        (
            share(
                increase(ATTEMPTS, is_none_of("result", "failed", "retry")),
                increase(ATTEMPTS),
                "15m",
                Compare.BELOW,
                0.95,
            ),
            at_least(increase(ATTEMPTS, NOT_DECIDED), "15m", 5),
        )
    ),
    "LeadSwitchLockTimeouts": more(increase(LOCKS, is_one_of("outcome", "timed_out")), "5m", 10),
    "LeadSwitchLockSuccessLow": Watch(
        (
            share(increase(LOCKS, ACQUIRED), increase(LOCKS), "5m", Compare.BELOW, 0.90),
            at_least(increase(LOCKS, is_none_of("outcome", "acquired")), "5m", 5),
        )
    ),
    "LeadSwitchDuplicatesHigh": Watch(
        (
            share(
                increase("leadswitch_duplicates_total"),
                increase("leadswitch_leads_received_total"),
                "1h",
                Compare.ABOVE,
                0.20,
            ),
            at_least(increase("leadswitch_duplicates_total"), "1h", 10),
        )
    ),
    "LeadSwitchDecisionSlow": Watch(
        (
            Condition(
                part="p95",
                expression=Quantile(Series(DUE_TO_DECISION), 0.95),
                aggregation=WindowAggregation.PERCENTILE,
                window="15m",
                compare=Compare.ABOVE,
                limit=5,
            ),
            at_least(increase(f"{DUE_TO_DECISION}_count"), "15m", 20),
        )
    ),
    "LeadSwitchDueRetriesHigh": above("leadswitch_retries_due", DUE_RETRIES.limit, "5m"),
    "LeadSwitchDueRetriesCritical": above("leadswitch_retries_due", 500, "2m"),
    "LeadSwitchWorkspaceDueRetriesHigh": above("leadswitch_workspace_retries_due", 50, "5m", "workspace"),
    "LeadSwitchRetriesEntered": more(increase("leadswitch_retries_entered_total"), "30m", 50),
    "LeadSwitchStaleLocks": above("leadswitch_stale_locks", 10, "2m"),
    "LeadSwitchExpiredHigh": above("leadswitch_leads_expired_last_day", 100, "1m"),
    "LeadSwitchDispatchHalted": HALTED,
    "LeadSwitchNoLeader": NO_LEADER,
    "LeadSwitchTwoLeaders": above("leadswitch_leaders", 1, "1m"),
    "LeadSwitchCanaryLate": CANARY_LATE,
    "LeadSwitchLeasesLost": more(
        Scaled(increase("leadswitch_inflight_leases_lost_total"), A_MINUTE), "5m", 10
    ),
    "LeadSwitchScheduleRepairs": more(
        Scaled(
            increase("leadswitch_reconciler_repairs_total", is_one_of("reconciler", "schedule")), A_MINUTE
        ),
        "5m",
        10,
    ),
    "LeadSwitchReconcilerLate": above("leadswitch_reconciler_late", 0, "2m", "reconciler"),
    "LeadSwitchShardWaiting": SHARD_WAITING,
    "LeadSwitchWorkersHalved": WORKERS_HALVED,
    "LeadSwitchBalancesDrift": above("leadswitch_wallets_drifted", 0, "2m"),
    "LeadSwitchStatementsOverdue": above("leadswitch_buyers_overdue", 0, "5m"),
    **DELIVERY_WATCHES,
    **PAYMENT_WATCHES,
    **OFFER_WATCHES,
    **CALL_WATCHES,
    "LeadSwitchExporterCollectorFailed": is_zero(
        Gauge(Series("leadswitch_exporter_collector_success"), ("collector",), ProcessAggregation.MIN), "2m"
    ),
    "LeadSwitchPostgresDown": is_zero(Gauge(Series("leadswitch_up")), "1m"),
    "LeadSwitchRedisLost": replace(
        is_zero(Gauge(Series("leadswitch_redis_up")), "1m"),
        summary="Redis has not responded to the exporter for 1 minute. Leads are sold from PostgreSQL, somewhat later.",
    ),
}
# Alerts without a monitor, and why.
LEFT_OUT: Final = {
    "LeadSwitchDailyDigest": "a monitor cannot send a summary at a fixed hour: schedule a report of the dashboard",
    "LeadSwitchWatchdog": "Datadog runs its monitors itself, and an Agent that is silent is LeadSwitchJobAbsent",
}


def watch(alert: Alert) -> Watch | JobDown:
    """Raises LookupError for an alert that has none."""
    if "slo" in alert.labels:
        return watch_burn(alert)
    if alert.name in {"LeadSwitchJobAbsent", "LeadSwitchExporterAbsent"}:
        return JobDown(Job(alert.labels["job"]))
    if alert.name not in WATCHES:
        message = f"{alert.name} has no monitor: add its conditions to WATCHES, or the reason to LEFT_OUT"
        raise LookupError(message)
    return WATCHES[alert.name]

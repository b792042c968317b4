"""Metrics of reconcilers: their runs, and what they found and repaired."""

from prometheus_client import Counter, Gauge, Histogram

from tracing.series import with_series

# The keys of LEADSWITCH_RECONCILERS.
RECONCILERS = (
    *("stale_locks", "expiry", "balances", "schedule", "inflight", "workspace_pauses", "wakeups", "rollups"),
    *("holds", "offers", "deliveries", "payments", "buyer_pauses", "statements", "channels"),
    "verifications",
)

RECONCILER_RUNS = with_series(
    Counter(
        "leadswitch_reconciler_runs_total",
        "Runs of reconcilers by result: done, busy, failed.",
        ["reconciler", "end"],
    ),
    reconciler=RECONCILERS,
    end=("done", "busy", "failed"),
)

RECONCILER_REPAIRS = with_series(
    Counter("leadswitch_reconciler_repairs_total", "What reconcilers repaired.", ["reconciler"]),
    reconciler=RECONCILERS,
)

RECONCILER_FOUND = with_series(
    Gauge(
        "leadswitch_reconciler_found",
        "What the last run found, repaired or not.",
        ["reconciler"],
        multiprocess_mode="mostrecent",
    ),
    reconciler=RECONCILERS,
)

RECONCILER_LAST_RUN = with_series(
    Gauge(
        "leadswitch_reconciler_last_run_timestamp_seconds",
        "When the last run ended.",
        ["reconciler"],
        multiprocess_mode="max",
    ),
    reconciler=RECONCILERS,
)

RECONCILER_AGE_SECONDS = with_series(
    Gauge(
        "leadswitch_reconciler_age_seconds",
        "Time since a reconciler last completed, by PostgreSQL, as last read by the dispatcher or /readyz.",
        ["reconciler"],
        multiprocess_mode="mostrecent",
    ),
    reconciler=RECONCILERS,
)

RECONCILER_SECONDS = with_series(
    Histogram(
        "leadswitch_reconciler_seconds",
        "How long runs of reconcilers took.",
        ["reconciler"],
        buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 15, 30, 60, 120),
    ),
    reconciler=RECONCILERS,
)

"""Metrics of PostgreSQL: what failed after a commit, and plans that a migration made unusable."""

from prometheus_client import Counter

from tracing.series import POSTGRES_CAUSES, with_series

# The names given to routing.after_commit.after_commit_try, and to routing.redis.outage.guarded and is_done.
AFTER_COMMIT_STEPS = ("change", "replay", "inline", "store_response", "enqueue", "existing", "switch")

AFTER_COMMIT_FAILURES = with_series(
    Counter(
        "leadswitch_after_commit_failures_total",
        "Steps that failed between a commit and the response. The response has what is stored, without the rest.",
        ["step", "cause"],
    ),
    open_label="cause",
    step=AFTER_COMMIT_STEPS,
    cause=POSTGRES_CAUSES,
)

OLD_PLANS = with_series(
    Counter(
        "leadswitch_old_plans_total",
        "Prepared statements that a migration made unusable, by what was run again: the statement or the attempt.",
        ["again"],
    ),
    again=("statement", "attempt"),
)

"""Gauges that the leading dispatcher sets from the schedule; they end with its process."""

from prometheus_client import Gauge

from tracing.series import with_series


# The leading dispatcher sets the gauges; they end with it. Each has a label, so that processes that never set them
# export nothing.
def _leader_gauge(name: str, help_text: str, label: str, *values: str) -> Gauge:
    gauge = Gauge(name, help_text, [label], multiprocess_mode="livemostrecent")
    return with_series(gauge, open_label="" if values else label, **{label: values})


SCHEDULE_LEADS = _leader_gauge("leadswitch_schedule_leads", "Leads that wait in the schedule.", "shard")

SCHEDULE_OVERDUE = _leader_gauge(
    "leadswitch_schedule_overdue_leads", "Of these, leads that are due.", "shard"
)

SCHEDULE_LATE_SECONDS = _leader_gauge(
    "leadswitch_schedule_late_seconds", "How long the lead that waits longest has been due.", "path", "redis"
)

READY_LEADS = _leader_gauge(
    "leadswitch_ready_leads", "Leads in flight that no worker has started yet.", "shard"
)

STALE_LEADS = _leader_gauge(
    "leadswitch_ready_stale_leads",
    "Leads whose lease ended while they waited in a ready queue that is not empty; they take its room.",
    "shard",
)

QUEUE_CONSUMED = _leader_gauge(
    "leadswitch_ready_queue_consumed", "1 while a worker reports that it consumes the ready queue.", "shard"
)

INFLIGHT_LEADS = _leader_gauge(
    "leadswitch_inflight_leads", "Leads in flight: queued, started.", "state", "queued", "started"
)

CANARY_AGE_SECONDS = _leader_gauge(
    "leadswitch_canary_age_seconds",
    "Time since a canary last returned from the workers, for the slowest ready queue.",
    *("path", "redis"),
)

CANARY_OUT_SECONDS = _leader_gauge(
    "leadswitch_canary_out_seconds",
    "How long a canary has been on its way; 0: all have returned.",
    *("path", "redis"),
)

WORKERS_ALIVE = _leader_gauge(
    "leadswitch_workers_alive", "Workers whose heartbeat is recent.", "path", "redis"
)

DISPATCHER_LEADING = with_series(
    Gauge(
        "leadswitch_dispatcher_leading",
        "1 while this process leads: redis, postgres.",
        ["path"],
        multiprocess_mode="livesum",
    ),
    path=("redis", "postgres"),
)

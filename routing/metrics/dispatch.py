"""Metrics of the way of a lead from the schedule to a worker, and of what is lost on it."""

from prometheus_client import Counter, Gauge, Histogram

from tracing.series import REDIS_CAUSES, with_series

SCHEDULE_OPERATIONS = (
    *("put", "withdraw", "shadow", "end", "compare", "requeue", "start", "pause", "heartbeat", "context"),
)

WAKES_SENT = Counter("leadswitch_wakes_sent_total", "Leads sent to the workers right after intake.")

WAKES_LOST = with_series(
    Counter(
        "leadswitch_wakes_lost_total",
        "Wake-ups that could not be sent, and leads that were not enqueued because their process ended (exit) or its"
        " retry buffer was full (retry_buffer_full). The pick-up, the leader and the reconcilers find them.",
        ["cause"],
    ),
    open_label="cause",
    cause=("exit", "retry_buffer_full", "broker_paused", *REDIS_CAUSES),
)

ENQUEUE_RETRY_BUFFER = with_series(
    Gauge(
        "leadswitch_enqueue_retry_buffer",
        "What Redis or the broker refused from live processes, and is retried: lead, lease. If it stays above 0 after"
        " an outage, a process is cut off from Redis.",
        ["kind"],
        multiprocess_mode="livesum",
    ),
    kind=("lead", "lease"),
)

ENQUEUE_RETRIED = Counter(
    "leadswitch_enqueue_retried_total",
    "Leads enqueued, and leases released, at a later try.",
)

TICK_SECONDS = Histogram(
    "leadswitch_dispatcher_tick_seconds",
    "Time of one claim, including publishing it.",
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)

# The process that requeues sets them: the leading dispatcher, or a worker that runs the reconciler `schedule` or a
# change of mode. They stay for at least a minute, so that a scrape sees them, and end with their spread.
BACKLOG_LEADS = Gauge(
    "leadswitch_backlog_leads",
    "Overdue leads that were requeued, after a loss in Redis for example, and are spread over time. 0: no spread is in"
    " progress.",
    multiprocess_mode="livemostrecent",
)

BACKLOG_SPREAD_SECONDS = Gauge(
    "leadswitch_backlog_spread_seconds",
    "Time from the first to the last of these leads.",
    multiprocess_mode="livemostrecent",
)

BACKLOG_MOST_PER_SECOND = Gauge(
    "leadswitch_backlog_most_per_second",
    "The highest number of these leads that become due in one second.",
    multiprocess_mode="livemostrecent",
)

LEADS_MOVED = with_series(
    Counter(
        "leadswitch_leads_moved_total",
        "Leads sent to the workers: put (due at once), claim (by the dispatcher), scan (found in PostgreSQL by it),"
        " postgres (run by it).",
        ["path"],
    ),
    path=("put", "claim", "scan", "postgres"),
)

LEADS_RETURNED = with_series(
    Counter(
        "leadswitch_unpublished_leads_returned_total",
        "Leads that were dispatched, reached no worker, and were requeued. put, claim: never published, because the"
        " answer was lost or the process killed. queue: published, and the message was lost.",
        ["path"],
    ),
    path=("put", "claim", "queue"),
)

FLIGHTS_REFUSED = Counter(
    "leadswitch_inflight_leases_refused_total",
    "Messages of leads whose lease was over or held by another worker.",
)

FLIGHTS_LOST = with_series(
    Counter(
        "leadswitch_inflight_leases_lost_total",
        "Leases in flight that expired, by where the lead was.",
        ["state"],
    ),
    state=("queued", "started"),
)

LEADS_GIVEN_UP = Counter(
    "leadswitch_leads_given_up_total", "Leads parked because too many workers in a row were lost."
)

SCHEDULE_FAILURES = with_series(
    Counter(
        "leadswitch_schedule_failures_total",
        "Calls of the schedule that failed. A reconciler corrects the result.",
        ["operation", "cause"],
    ),
    open_label="cause",
    operation=SCHEDULE_OPERATIONS,
    cause=("redis_paused", *REDIS_CAUSES),
)

SHADOW_COMPARED = with_series(
    Counter(
        "leadswitch_shadow_compared_total",
        "Leads of workspaces in shadow mode by what the index said: same, missing, earlier, later, extra.",
        ["result"],
    ),
    result=("same", "missing", "earlier", "later", "extra"),
)

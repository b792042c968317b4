"""Prometheus names of routing. Labels never carry a tenant, lead or buyer."""

from prometheus_client import Counter, Gauge, Histogram

from tracing.rollups.edges import EDGES_SECONDS
from tracing.series import POSTGRES_CAUSES, REDIS_CAUSES, with_series

# How leads come in.
CHANNELS = ("api", "batch", "import")
# The keys of LEADSWITCH_RECONCILERS.
RECONCILERS = (
    *("stale_locks", "expiry", "balances", "schedule", "inflight", "workspace_pauses", "wakeups", "rollups"),
)
# The names given to routing.after_commit.after_commit_try, and to routing.redis.outage.guarded and is_done.
AFTER_COMMIT_STEPS = ("change", "replay", "inline", "store_response", "enqueue", "existing", "switch")
SCHEDULE_OPERATIONS = (
    *("put", "withdraw", "shadow", "end", "compare", "requeue", "start", "pause", "heartbeat", "context"),
)


LEADS_RECEIVED = with_series(
    Counter("leadswitch_leads_received_total", "Leads accepted.", ["channel"]), channel=CHANNELS
)
LEADS_REJECTED = with_series(
    Counter("leadswitch_leads_rejected_total", "Leads rejected because of their content.", ["channel"]),
    channel=CHANNELS,
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
INLINE_DECISIONS_FAILED = with_series(
    Counter(
        "leadswitch_inline_decisions_failed_total",
        "Leads whose decision failed while the sender waited; the pick-up finds them.",
        ["cause"],
    ),
    open_label="cause",
    cause=POSTGRES_CAUSES,
)
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
REQUESTS_REFUSED = with_series(
    Counter(
        "leadswitch_requests_refused_total",
        "Requests with API keys, and from users of the admin, that exceeded their rate limit.",
        ["kind"],
    ),
    kind=("admin", "buyer", "source"),
)
RATE_LIMITS_UNCHECKED = with_series(
    Counter(
        "leadswitch_rate_limits_unchecked_total",
        "Requests that passed uncounted because Redis did not respond.",
        ["cause"],
    ),
    open_label="cause",
    cause=("redis_paused", *REDIS_CAUSES),
)
RULES_SECONDS = Histogram(
    "leadswitch_routing_rules_seconds",
    "Time to apply the routing rules to one lead, including compiling the ones that had changed.",
    buckets=(0.00001, 0.00003, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1),
)
PLANS_COMPILED = Counter(
    "leadswitch_routing_plans_compiled_total", "Plans compiled because the rules of a workspace had changed."
)
LEADS_ROUTED = with_series(
    Counter(
        "leadswitch_leads_routed_total",
        "Attempts whose lead was routed by rules, by the number of rules.",
        ["hops"],
    ),
    hops=(str(hops) for hops in range(1, 9)),
)
DUPLICATES = with_series(
    Counter(
        "leadswitch_duplicates_total",
        "Leads that are duplicates, by where the first one is: resend, workspace, partner.",
        ["kind"],
    ),
    kind=("resend", "workspace", "partner"),
)
LEAD_LOCK_SECONDS = with_series(
    Histogram(
        "leadswitch_lead_lock_seconds",
        "Time to lock a lead, by result: acquired, busy, timed_out.",
        ["outcome"],
        buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
    ),
    outcome=("acquired", "busy", "timed_out"),
)
LEASES_LOST = Counter(
    "leadswitch_leases_lost_total", "Writes refused because their owner no longer had the lead."
)
# The service objectives are measured at 2 and 5 seconds, so an edge is exactly there.
DUE_TO_DECISION_SECONDS = Histogram(
    "leadswitch_due_to_decision_seconds",
    "Time from when a lead was due until its decision. A pause does not count; a retry is not a decision.",
    buckets=EDGES_SECONDS,
)
RECEIPT_TO_DECISION_SECONDS = Histogram(
    "leadswitch_receipt_to_decision_seconds",
    "Time from when a lead was received until its first decision. A pause does not count.",
    buckets=EDGES_SECONDS,
)
LEADS_DECIDED = with_series(
    Counter(
        "leadswitch_leads_decided_total",
        "Decisions about leads: on_time, late (more than 60 seconds after the lead was due), system_failed (LeadSwitch"
        " failed and does not try again).",
        ["outcome"],
    ),
    outcome=("on_time", "late", "system_failed"),
)
RETRIES_ENTERED = Counter(
    "leadswitch_retries_entered_total", "Attempts after which their lead waits in the retry queue."
)
LEADS_EXPIRED = Counter("leadswitch_leads_expired_total", "Leads that expired unsold.")
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
TICK_SECONDS = Histogram(
    "leadswitch_dispatcher_tick_seconds",
    "Time of one claim, including publishing it.",
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
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
MARKS_FAILED = with_series(
    Counter(
        "leadswitch_begun_marks_failed_total",
        "Attempts without a lease that could not be marked or unmarked: begin, end.",
        ["step", "cause"],
    ),
    open_label="cause",
    step=("begin", "end"),
    cause=POSTGRES_CAUSES,
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
OLD_PLANS = with_series(
    Counter(
        "leadswitch_old_plans_total",
        "Prepared statements that a migration made unusable, by what was run again: the statement or the attempt.",
        ["again"],
    ),
    again=("statement", "attempt"),
)

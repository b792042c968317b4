"""Metrics of attempts and decisions: routing rules, duplicates, locks, delays."""

from prometheus_client import Counter, Histogram

from tracing.rollups.edges import EDGES_SECONDS
from tracing.series import POSTGRES_CAUSES, with_series

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

"""Performance: where the time of a lead goes, and what the processes use."""

from typing import Final

from leadswitch.levels.alerts.alert import Dashboard
from leadswitch.levels.dashboards.board import Board, Panel, Query, Row, Threshold, Unit, View
from leadswitch.levels.dashboards.boards.queries import (
    gauge,
    gauge_by,
    increase,
    increase_by,
    largest,
    percentile_by,
    percentiles,
    rate,
    rate_by,
)
from leadswitch.levels.dashboards.expressions import Observed, ProcessAggregation, Series, ShareUpTo
from leadswitch.levels.objectives import LATENCY, LATENCY_LIMIT_SECONDS

DUE_TO_DECISION: Final = "leadswitch_due_to_decision_seconds"
LATENCY_LIMITS: Final = (Threshold(LATENCY_LIMIT_SECONDS), Threshold(5, is_error=True))

LEADS: Final = Row(
    "Time of a lead",
    (
        Panel(
            title="From due to decision",
            description=(
                "Time from when leads are due until their decision, excluding pauses. Normal: p95 under 2 s."
            ),
            unit=Unit.SECONDS,
            queries=percentiles(DUE_TO_DECISION),
            thresholds=LATENCY_LIMITS,
        ),
        Panel(
            title="From receipt to decision",
            description="Time from when leads are received until their first decision. Normal: p95 under 2 s.",
            unit=Unit.SECONDS,
            queries=percentiles("leadswitch_receipt_to_decision_seconds"),
            thresholds=LATENCY_LIMITS,
        ),
        Panel(
            title="Decided in time",
            description=f"Share of leads decided within {LATENCY_LIMIT_SECONDS} s of being due."
            f" Objective: {LATENCY.target:.0%}.",
            unit=Unit.SHARE,
            queries=(Query(ShareUpTo(Series(DUE_TO_DECISION), LATENCY_LIMIT_SECONDS), "in time"),),
            thresholds=(Threshold(LATENCY.target, is_error=True, is_below=True),),
        ),
        Panel(
            title="Decisions",
            description="Decided leads per second.",
            unit=Unit.PER_SECOND,
            queries=(Query(Observed(Series(DUE_TO_DECISION)), "decided"),),
        ),
    ),
)
STEPS: Final = Row(
    "Steps",
    (
        Panel(
            title="Start lag",
            description=(
                "Time from when a lead was due until a worker started it, p95 by dispatch mode. Normal:"
                " under 0.2 s for event."
            ),
            unit=Unit.SECONDS,
            queries=(percentile_by("mode", "leadswitch_start_lag_seconds"),),
            thresholds=(Threshold(2),),
        ),
        Panel(
            title="Attempt",
            description="One attempt, from the lead's lock to the end of its writes. Normal: p95 under 0.1 s.",
            unit=Unit.SECONDS,
            queries=percentiles("leadswitch_decision_seconds"),
            thresholds=(Threshold(0.5), Threshold(5, is_error=True)),
        ),
        Panel(
            title="Lock of the lead",
            description="How long it takes to lock a lead, p95 by outcome. Normal: under 0.01 s.",
            unit=Unit.SECONDS,
            queries=(percentile_by("outcome", "leadswitch_lead_lock_seconds"),),
        ),
        Panel(
            title="Routing rules",
            description="How long it takes to apply the rules to one lead, including compiling changed rules. Normal:"
            " p95 under 0.01 s.",
            unit=Unit.SECONDS,
            queries=percentiles("leadswitch_routing_rules_seconds"),
        ),
        Panel(
            title="Contention",
            description="Leads that another worker had, attempts that waited for buyers, and attempts or statements"
            " that a migration made run again. Normal: few.",
            unit=Unit.PER_SECOND,
            queries=(
                rate("leadswitch_leads_busy_total", "busy leads"),
                rate("leadswitch_candidate_waits_total", "waits for buyers"),
                rate("leadswitch_old_plans_total", "run again"),
                rate("leadswitch_routing_plans_compiled_total", "rules compiled"),
            ),
        ),
        Panel(
            title="Refused writes",
            description="Writes of a worker that no longer had the lead. Normal: 0.",
            unit=Unit.COUNT,
            queries=(increase("leadswitch_leases_lost_total", "refused"),),
        ),
    ),
)
WEB: Final = Row(
    "Web",
    (
        Panel(
            title="Duration of requests",
            description="Time in the product, from the first middleware to the response. Normal: p95 under 0.5 s.",
            unit=Unit.SECONDS,
            queries=percentiles("django_http_requests_latency_including_middlewares_seconds"),
            thresholds=(Threshold(0.5), Threshold(2, is_error=True)),
        ),
        Panel(
            title="Responses by status",
            description="Responses of the web server in each interval, by status. Normal: no 5xx.",
            unit=Unit.COUNT,
            view=View.STACKED,
            queries=(increase_by("status", "django_http_responses_total_by_status_total"),),
        ),
        Panel(
            title="Slow pages and routes",
            description="Duration of requests by view, p95. Normal: under 0.5 s.",
            unit=Unit.SECONDS,
            queries=(percentile_by("view", "django_http_requests_latency_seconds_by_view_method"),),
            thresholds=(Threshold(2),),
        ),
        Panel(
            title="Requests by view",
            description="The views with the most requests in the period shown.",
            unit=Unit.COUNT,
            view=View.LIST,
            queries=(
                largest(
                    "view", increase_by("view", "django_http_requests_total_by_view_transport_method_total")
                ),
            ),
        ),
        Panel(
            title="Rate-limited requests",
            description="Requests over their rate limit, by kind. Normal: few.",
            unit=Unit.COUNT,
            view=View.STACKED,
            queries=(increase_by("kind", "leadswitch_requests_refused_total"),),
        ),
        Panel(
            title="Failures of the API",
            description="Requests whose rate was not checked, decisions that failed while the sender waited, and"
            " steps that failed after the commit. Normal: 0.",
            unit=Unit.COUNT,
            queries=(
                increase("leadswitch_rate_limits_unchecked_total", "rate not checked"),
                increase("leadswitch_inline_decisions_failed_total", "decision failed"),
                increase("leadswitch_after_commit_failures_total", "after the commit"),
            ),
        ),
        Panel(
            title="Logins",
            description="Login attempts in the admin, by result. Many failed attempts suggest an attack.",
            unit=Unit.COUNT,
            view=View.STACKED,
            queries=(increase_by("result", "leadswitch_logins_total"),),
        ),
        Panel(
            title="Sign-ins to the portal",
            description="Steps of signing in to the portal of buyers. Many invalid links without requests suggest an"
            " attack; not mailed: check the mail server.",
            unit=Unit.COUNT,
            view=View.STACKED,
            queries=(increase_by("step", "leadswitch_portal_sign_ins_total"),),
        ),
        Panel(
            title="Readiness by part",
            description="1 if the part was ok when /readyz last checked it.",
            unit=Unit.YES_NO,
            view=View.TABLE,
            queries=(gauge_by("part", "leadswitch_part_ok", aggregation=ProcessAggregation.MIN),),
        ),
    ),
)
PROCESSES: Final = Row(
    "Processes",
    (
        Panel(
            title="CPU",
            description=(
                "CPU cores in use by kind of process, with children. Normal: fewer than the cores that"
                " you give it."
            ),
            unit=Unit.COUNT,
            queries=(rate_by("kind", "leadswitch_process_cpu_seconds_total"),),
        ),
        Panel(
            title="Memory",
            description="Resident memory by kind of process; shared memory is counted for each process. Normal:"
            " flat.",
            unit=Unit.BYTES,
            queries=(
                gauge_by(
                    "kind", "leadswitch_process_resident_memory_bytes", aggregation=ProcessAggregation.SUM
                ),
            ),
        ),
        Panel(
            title="Open files",
            description="Open files and connections by kind of process. Normal: flat.",
            unit=Unit.COUNT,
            queries=(gauge_by("kind", "leadswitch_process_open_files", aggregation=ProcessAggregation.SUM),),
        ),
        Panel(
            title="Files of the metrics",
            description="Files in which processes share their metrics. More than 1,000 make scrapes slow; restart"
            " the process.",
            unit=Unit.COUNT,
            queries=(
                gauge("leadswitch_metrics_files", "files"),
                gauge("leadswitch_metrics_files_unreadable", "unreadable"),
            ),
            thresholds=(Threshold(1000),),
        ),
        Panel(
            title="Reading the metrics",
            description="How long it takes to add up the files for one scrape. Normal: under 1 s.",
            unit=Unit.SECONDS,
            queries=(gauge("leadswitch_metrics_merge_seconds", "merge"),),
            thresholds=(Threshold(5),),
        ),
    ),
)
PERFORMANCE: Final = Board(
    Dashboard.PERFORMANCE,
    "Performance",
    "Where the time of a lead goes, and which resources the processes use.",
    (LEADS, STEPS, WEB, PROCESSES),
)

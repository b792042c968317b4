"""Lead routing health: whether leads are decided, and how."""

from typing import Final

from leadswitch.levels.alerts.alert import Dashboard
from leadswitch.levels.dashboards.board import Board, Panel, Query, Row, Threshold, Unit, View
from leadswitch.levels.dashboards.boards.queries import (
    gauge,
    gauge_by,
    increase,
    increase_by,
    is_none_of,
    is_one_of,
    largest,
    percentiles,
)
from leadswitch.levels.dashboards.expressions import (
    Increase,
    Observed,
    Recorded,
    Scaled,
    Series,
    Share,
    ShareUpTo,
)
from leadswitch.levels.objectives import (
    AVAILABILITY,
    AVAILABILITY_DEADLINE_SECONDS,
    DUE_RETRIES_LIMIT,
    LATENCY,
    LATENCY_LIMIT_SECONDS,
)

DECIDED: Final = "leadswitch_leads_decided_total"
ATTEMPTS: Final = "leadswitch_attempts_total"
LOCKS: Final = "leadswitch_lead_lock_seconds"
DUE_TO_DECISION: Final = "leadswitch_due_to_decision_seconds"
BUDGET_LEFT: Final = "slo:period_error_budget_remaining:ratio"

OBJECTIVES: Final = Row(
    "Objectives",
    (
        Panel(
            title="Availability",
            description=f"Share of decided leads that were decided within {AVAILABILITY_DEADLINE_SECONDS} s of"
            f" being due and not failed by LeadSwitch. Objective: {AVAILABILITY.target:.1%}.",
            unit=Unit.SHARE,
            view=View.NUMBER,
            queries=(
                Query(
                    Share(
                        Increase(Series(DECIDED, (is_one_of("outcome", "on_time"),))),
                        Increase(Series(DECIDED)),
                    ),
                    "on time",
                ),
            ),
            thresholds=(Threshold(AVAILABILITY.target, is_error=True, is_below=True),),
            width=6,
            height=5,
        ),
        Panel(
            title="Availability budget left",
            description="Share of the 30-day error budget that is left. Below 0, the objective is missed.",
            unit=Unit.SHARE,
            view=View.NUMBER,
            queries=(Query(Recorded(BUDGET_LEFT, AVAILABILITY.name), "left"),),
            thresholds=(Threshold(0, is_error=True, is_below=True), Threshold(0.25, is_below=True)),
            width=6,
            height=5,
        ),
        Panel(
            title="Latency",
            description=f"Share of leads decided within {LATENCY_LIMIT_SECONDS} s of being due."
            f" Objective: {LATENCY.target:.0%}.",
            unit=Unit.SHARE,
            view=View.NUMBER,
            queries=(Query(ShareUpTo(Series(DUE_TO_DECISION), LATENCY_LIMIT_SECONDS), "in time"),),
            thresholds=(Threshold(LATENCY.target, is_error=True, is_below=True),),
            width=6,
            height=5,
        ),
        Panel(
            title="Latency budget left",
            description="Share of the 30-day error budget that is left. Below 0 the objective is missed.",
            unit=Unit.SHARE,
            view=View.NUMBER,
            queries=(Query(Recorded(BUDGET_LEFT, LATENCY.name), "left"),),
            thresholds=(Threshold(0, is_error=True, is_below=True), Threshold(0.25, is_below=True)),
            width=6,
            height=5,
        ),
    ),
)
HEALTH: Final = Row(
    "Routing",
    (
        Panel(
            title="Attempts by result",
            description="Attempts that ended, by result. Normal: under 1% failed. Unsold leads and duplicates are"
            " decisions.",
            unit=Unit.COUNT,
            view=View.STACKED,
            queries=(increase_by("result", ATTEMPTS),),
        ),
        Panel(
            title="Retry queue depth",
            description="Leads in the retry queue, and those of them that are due. Normal: under 20 due.",
            unit=Unit.COUNT,
            queries=(gauge("leadswitch_retries_open", "open"), gauge("leadswitch_retries_due", "due")),
            thresholds=(Threshold(DUE_RETRIES_LIMIT), Threshold(500, is_error=True)),
        ),
        Panel(
            title="Locks acquired",
            description="Share of lead locks that were acquired on the first try. Normal: over 99%.",
            unit=Unit.SHARE,
            queries=(
                Query(
                    Share(
                        Observed(Series(LOCKS, (is_one_of("outcome", "acquired"),))), Observed(Series(LOCKS))
                    ),
                    "acquired",
                ),
            ),
            thresholds=(Threshold(0.9, is_error=True, is_below=True),),
        ),
        Panel(
            title="From due to decision",
            description=(
                "Time from when leads are due until their decision, excluding pauses. Normal: p95 under 2 s."
            ),
            unit=Unit.SECONDS,
            queries=percentiles(DUE_TO_DECISION),
            thresholds=(Threshold(LATENCY_LIMIT_SECONDS), Threshold(5, is_error=True)),
        ),
        Panel(
            title="Duplicates by workspace",
            description="Duplicates in the last hour, of the workspaces with the most of them. Normal: under 10%"
            " of leads.",
            unit=Unit.COUNT,
            view=View.LIST,
            queries=(largest("workspace", gauge_by("workspace", "leadswitch_workspace_duplicates")),),
        ),
        Panel(
            title="Stale locks",
            description="Claims of leads that are older than allowed. Normal: 0; a reconciler releases them every"
            " minute.",
            unit=Unit.COUNT,
            view=View.NUMBER,
            queries=(gauge("leadswitch_stale_locks", "stale"),),
            thresholds=(Threshold(1), Threshold(10, is_error=True)),
        ),
    ),
)
WHY: Final = Row(
    "Why",
    (
        Panel(
            title="Decided leads by outcome",
            description="On time, late, or failed by LeadSwitch. Normal: none failed, and few late.",
            unit=Unit.COUNT,
            view=View.STACKED,
            queries=(increase_by("outcome", DECIDED),),
        ),
        Panel(
            title="Undecided leads past the limit",
            description="Leads that wait for a decision longer than an objective allows. Normal: 0.",
            unit=Unit.COUNT,
            queries=(gauge_by("limit", "leadswitch_undecided_leads"),),
            thresholds=(Threshold(10),),
        ),
        Panel(
            title="Failures by workspace",
            description="Failed attempts in the last hour, of the workspaces with the most of them. Normal: none.",
            unit=Unit.COUNT,
            view=View.LIST,
            queries=(largest("workspace", gauge_by("workspace", "leadswitch_workspace_failures")),),
        ),
        Panel(
            title="Reasons of attempts without a sale",
            description="Attempts by skip reason, in the period shown. docs/skip-reasons.md explains each reason.",
            unit=Unit.COUNT,
            view=View.LIST,
            queries=(
                largest("skip_reason", increase_by("skip_reason", ATTEMPTS, is_none_of("skip_reason", ""))),
            ),
        ),
        Panel(
            title="Locks by outcome",
            description="Lead locks that were busy or timed out. Normal: no timeouts.",
            unit=Unit.COUNT,
            view=View.STACKED,
            queries=(
                Query(
                    Increase(Series(f"{LOCKS}_count", (is_none_of("outcome", "acquired"),)), ("outcome",)),
                    "{outcome}",
                ),
            ),
        ),
        Panel(
            title="Duplicates by kind",
            description="resend: the same lead again; workspace, partner: where the first lead of the person is.",
            unit=Unit.COUNT,
            view=View.STACKED,
            queries=(increase_by("kind", "leadswitch_duplicates_total"),),
        ),
    ),
)
FLOW: Final = Row(
    "Leads and money",
    (
        Panel(
            title="Leads received",
            description="Accepted leads by channel. Compare with the same hour of last week.",
            unit=Unit.COUNT,
            view=View.STACKED,
            queries=(increase_by("channel", "leadswitch_leads_received_total"),),
        ),
        Panel(
            title="Leads rejected at intake",
            description=(
                "Leads rejected because of their content, by channel. Normal: few; a source that changes"
                " its form causes many."
            ),
            unit=Unit.COUNT,
            view=View.STACKED,
            queries=(increase_by("channel", "leadswitch_leads_rejected_total"),),
        ),
        Panel(
            title="Pings of sources",
            description="Prices that sources asked for before they send a lead, by what they were answered.",
            unit=Unit.COUNT,
            view=View.STACKED,
            queries=(increase_by("outcome", "leadswitch_pings_total"),),
        ),
        Panel(
            title="Duration of pings",
            description="From the parsed body of a ping to its stored answer. Normal: below 50 ms.",
            unit=Unit.SECONDS,
            queries=percentiles("leadswitch_ping_seconds"),
        ),
        Panel(
            title="Leads sent with a ping",
            description="Leads that used the price of a ping, and those that were refused, by the reason.",
            unit=Unit.COUNT,
            view=View.STACKED,
            queries=(increase_by("outcome", "leadswitch_pinged_leads_total"),),
        ),
        Panel(
            title="Sales, returns and expired leads",
            description="Leads sold and returned, one for each buyer, and leads that expired unsold.",
            unit=Unit.COUNT,
            queries=(
                increase("leadswitch_assignments_total", "sold"),
                increase("leadswitch_returns_total", "returned"),
                increase("leadswitch_leads_expired_total", "expired"),
            ),
        ),
        Panel(
            title="Return requests",
            description="Requests of buyers to return leads, by what happened to them. Normal: as many decided as"
            " requested.",
            unit=Unit.COUNT,
            queries=(increase_by("event", "leadswitch_return_requests_total"),),
        ),
        Panel(
            title="Charged and refunded",
            description="Credits charged for leads, and paid back for returned leads.",
            unit=Unit.DOLLARS,
            queries=(
                Query(Scaled(Increase(Series("leadswitch_charged_cents_total")), 0.01), "charged"),
                Query(Scaled(Increase(Series("leadswitch_returned_cents_total")), 0.01), "refunded"),
            ),
        ),
        Panel(
            title="Leads routed to another workspace",
            description="Attempts whose lead was routed by rules, by the number of rules.",
            unit=Unit.COUNT,
            view=View.STACKED,
            queries=(increase_by("hops", "leadswitch_leads_routed_total"),),
        ),
        Panel(
            title="Traces that could not be written",
            description="Leads that were processed without their trace, or with a trace as text. Normal: 0.",
            unit=Unit.COUNT,
            queries=(
                increase("leadswitch_trace_write_failures_total", "not written"),
                increase("leadswitch_traces_as_text_total", "as text"),
                increase("leadswitch_verdict_failures_total", "verdict not written"),
            ),
        ),
    ),
)
ROUTING: Final = Board(
    Dashboard.ROUTING,
    "Lead routing health",
    "Whether leads are decided in time, and why not. Start here after an alert.",
    (OBJECTIVES, HEALTH, WHY, FLOW),
)

"""Dispatch: whether due leads start, who starts them, and what was lost on the way."""

from typing import Final

from leadswitch.levels.alerts.alert import Dashboard
from leadswitch.levels.dashboards.board import Board, Panel, Query, Row, Threshold, Unit, Variable, View
from leadswitch.levels.dashboards.boards.losses import LOSSES
from leadswitch.levels.dashboards.boards.queries import (
    gauge,
    gauge_by,
    increase,
    is_chosen,
    is_one_of,
    percentiles,
    rate_by,
)
from leadswitch.levels.dashboards.expressions import ProcessAggregation, Quantile, Series

READY: Final = "leadswitch_redis_ready_leads"

STATE: Final = Row(
    "State",
    (
        Panel(
            title="Leaders",
            description="Dispatchers that lead. Normal: 1.",
            unit=Unit.COUNT,
            view=View.NUMBER,
            queries=(gauge("leadswitch_leaders", "leaders"),),
            thresholds=(Threshold(0, is_error=True, is_below=True), Threshold(2, is_error=True)),
            width=4,
            height=5,
        ),
        Panel(
            title="Workers",
            description="Workers with a recent heartbeat. Normal: as many as you run.",
            unit=Unit.COUNT,
            view=View.NUMBER,
            queries=(gauge("leadswitch_workers", "workers"),),
            width=4,
            height=5,
        ),
        Panel(
            title="Product paused",
            description="Whether an operator paused the product. No lead starts then.",
            unit=Unit.YES_NO,
            view=View.NUMBER,
            queries=(gauge("leadswitch_paused", "paused", is_one_of("scope", "product")),),
            thresholds=(Threshold(1),),
            width=4,
            height=5,
        ),
        Panel(
            title="Paused workspaces",
            description="Workspaces that an operator paused.",
            unit=Unit.COUNT,
            view=View.NUMBER,
            queries=(gauge("leadswitch_paused", "paused", is_one_of("scope", "workspaces")),),
            width=4,
            height=5,
        ),
        Panel(
            title="Overdue leads",
            description="Leads due for longer than 5 s, except paused ones. Normal: 0.",
            unit=Unit.COUNT,
            view=View.NUMBER,
            queries=(gauge("leadswitch_leads_overdue", "overdue"),),
            thresholds=(Threshold(1), Threshold(10, is_error=True)),
            width=4,
            height=5,
        ),
        Panel(
            title="Last decision",
            description="How long ago the last lead was decided. Normal: seconds while leads come in.",
            unit=Unit.SECONDS,
            view=View.NUMBER,
            queries=(gauge("leadswitch_last_decision_age_seconds", "ago"),),
            width=4,
            height=5,
        ),
    ),
)
MOVING: Final = Row(
    "Due leads",
    (
        Panel(
            title="Due leads",
            description="Leads that are due, and those due for longer than 5 s. Normal: under 20 due.",
            unit=Unit.COUNT,
            queries=(gauge("leadswitch_leads_due", "due"), gauge("leadswitch_leads_overdue", "overdue")),
            thresholds=(Threshold(100),),
        ),
        Panel(
            title="Oldest due lead",
            description="How long the lead that waits longest has been due. Normal: under 2 s.",
            unit=Unit.SECONDS,
            queries=(
                gauge("leadswitch_lead_oldest_due_age_seconds", "in PostgreSQL"),
                gauge("leadswitch_schedule_late_seconds", "in the schedule"),
            ),
            thresholds=(Threshold(60, is_error=True),),
        ),
        Panel(
            title="Leads moved",
            description="Leads sent to the workers: put (due at once), claim (by the dispatcher), scan (found in"
            " PostgreSQL), postgres (run by the dispatcher).",
            unit=Unit.PER_SECOND,
            queries=(rate_by("path", "leadswitch_leads_moved_total"),),
        ),
        Panel(
            title="Start lag by dispatch mode",
            description=(
                "Time from when a lead was due until a worker started it, p95. Normal: under 0.2 s for event."
            ),
            unit=Unit.SECONDS,
            queries=(Query(Quantile(Series("leadswitch_start_lag_seconds"), 0.95, ("mode",)), "{mode}"),),
            thresholds=(Threshold(2),),
        ),
        Panel(
            title="Picked up from PostgreSQL",
            description="Leads that the pick-up started, and leads sent to the workers right after intake. The"
            " pick-up only finds leads of workspaces in poll mode, unless wake-ups are lost.",
            unit=Unit.COUNT,
            queries=(
                increase("leadswitch_leads_picked_up_total", "picked up"),
                increase("leadswitch_wakes_sent_total", "sent after intake"),
            ),
        ),
        Panel(
            title="Claim of the dispatcher",
            description="Time to claim due leads and publish them. Normal: p95 under 0.05 s.",
            unit=Unit.SECONDS,
            queries=percentiles("leadswitch_dispatcher_tick_seconds"),
            thresholds=(Threshold(1),),
        ),
    ),
)
QUEUES: Final = Row(
    "Schedule and ready queues",
    (
        Panel(
            title="Schedule",
            description="Leads that wait in the schedule for their time, by shard.",
            unit=Unit.COUNT,
            queries=(gauge_by("shard", "leadswitch_redis_schedule_leads", is_chosen("shard")),),
        ),
        Panel(
            title="Overdue in the schedule",
            description="Leads in the schedule that are due, by shard. Normal: near 0; more while the ready queues"
            " are full.",
            unit=Unit.COUNT,
            queries=(gauge_by("shard", "leadswitch_redis_schedule_overdue_leads", is_chosen("shard")),),
            thresholds=(Threshold(100),),
        ),
        Panel(
            title="Ready queues",
            description="Leads that no worker has started, by shard. Normal: under 20 in one.",
            unit=Unit.COUNT,
            queries=(gauge_by("shard", READY, is_chosen("shard")),),
        ),
        Panel(
            title="In flight",
            description="Leads in flight: queued, started. Normal: about as many started ones as worker processes.",
            unit=Unit.COUNT,
            queries=(gauge_by("state", "leadswitch_redis_inflight_leads"),),
        ),
        Panel(
            title="Consumed ready queues",
            description="1 while a worker reports that it consumes the ready queue. Normal: 1 for each shard.",
            unit=Unit.YES_NO,
            view=View.TABLE,
            queries=(
                gauge_by("shard", "leadswitch_ready_queue_consumed", aggregation=ProcessAggregation.MIN),
            ),
        ),
        Panel(
            title="Stale leads in ready queues",
            description="Leads whose lease ended while they waited in a ready queue. Normal: 0.",
            unit=Unit.COUNT,
            queries=(gauge_by("shard", "leadswitch_ready_stale_leads"),),
        ),
        Panel(
            title="Backlog",
            description=(
                "Leads that return to the schedule after a loss, and the most that become due per"
                " second. Normal: 0."
            ),
            unit=Unit.COUNT,
            queries=(
                gauge("leadswitch_backlog_leads", "leads"),
                gauge("leadswitch_backlog_most_per_second", "most per second"),
            ),
        ),
        Panel(
            title="Backlog spread",
            description="The time over which the backlog is spread. Normal: 0.",
            unit=Unit.SECONDS,
            queries=(gauge("leadswitch_backlog_spread_seconds", "spread"),),
        ),
        Panel(
            title="Canary",
            description="How long ago a canary returned from the workers, how long one has been out, and the same if it"
            " is late. Normal: under 15 s; 0 late.",
            unit=Unit.SECONDS,
            queries=(
                gauge("leadswitch_canary_age_seconds", "returned"),
                gauge("leadswitch_canary_out_seconds", "out"),
                gauge("leadswitch_canary_late_seconds", "late"),
            ),
        ),
        Panel(
            title="Leading by path",
            description="How the leader starts leads: redis, or postgres as the fallback. Normal: redis 1.",
            unit=Unit.COUNT,
            queries=(gauge_by("path", "leadswitch_dispatcher_leading", aggregation=ProcessAggregation.SUM),),
        ),
    ),
)
DISPATCH: Final = Board(
    Dashboard.DISPATCH,
    "Dispatch",
    "Whether due leads start, who starts them, and what was lost and repaired.",
    (STATE, MOVING, QUEUES, LOSSES),
    (Variable("shard", "Shard", READY),),
)

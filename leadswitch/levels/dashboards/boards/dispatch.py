"""Dispatch: whether due leads start, who starts them, and what was lost on the way."""

from typing import Final

from leadswitch.levels.alerts.alert import Dashboard
from leadswitch.levels.dashboards.board import Board, Panel, Query, Row, Threshold, Unit, Variable, View
from leadswitch.levels.dashboards.boards.asking import (
    gauge,
    gauge_by,
    increase,
    increase_by,
    is_chosen,
    is_one_of,
    percentiles,
    rate_by,
)
from leadswitch.levels.dashboards.expressions import Across, Quantile, Series

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
            description="Leads due for longer than 5 s, without paused ones. Normal: 0.",
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
            description="From when a lead was due to when a worker started it, p95. Normal: under 0.2 s for event.",
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
            description="One claim of due leads with its publishing. Normal: p95 under 0.05 s.",
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
        ),
        Panel(
            title="Ready queues",
            description="Leads that no worker has started, by shard. Normal: under 20 in one.",
            unit=Unit.COUNT,
            queries=(gauge_by("shard", READY, is_chosen("shard")),),
            thresholds=(Threshold(100),),
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
            queries=(gauge_by("shard", "leadswitch_ready_queue_consumed", across=Across.MIN),),
        ),
        Panel(
            title="Stale leads in ready queues",
            description="Leads whose lease ended while they waited in a ready queue. Normal: 0.",
            unit=Unit.COUNT,
            queries=(gauge_by("shard", "leadswitch_ready_stale_leads"),),
        ),
        Panel(
            title="Backlog",
            description="Leads that return to the schedule after a loss, and the most per second. Normal: 0.",
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
            description="How long ago a canary returned from the workers, and how long one has been out. Normal:"
            " under 60 s.",
            unit=Unit.SECONDS,
            queries=(
                gauge("leadswitch_canary_age_seconds", "returned"),
                gauge("leadswitch_canary_out_seconds", "out"),
            ),
        ),
        Panel(
            title="Leading by path",
            description="How the leader starts leads: redis, or postgres as the fallback. Normal: redis 1.",
            unit=Unit.COUNT,
            queries=(gauge_by("path", "leadswitch_dispatcher_leading", across=Across.SUM),),
        ),
    ),
)
LOSSES: Final = Row(
    "Losses and repairs",
    (
        Panel(
            title="Leases lost",
            description="Leases in flight that expired, by where the lead was. Normal: 0; a few when a worker"
            " restarts.",
            unit=Unit.COUNT,
            view=View.STACKED,
            queries=(increase_by("state", "leadswitch_inflight_leases_lost_total"),),
        ),
        Panel(
            title="Refused and requeued leads",
            description="Messages of leads whose lease was over, and leads that were claimed and never published."
            " Normal: few.",
            unit=Unit.COUNT,
            queries=(
                increase("leadswitch_inflight_leases_refused_total", "refused"),
                increase("leadswitch_unpublished_leads_returned_total", "requeued"),
            ),
        ),
        Panel(
            title="Wake-ups lost",
            description="Wake-ups that could not be sent, and leads enqueued at a later try. Normal: 0.",
            unit=Unit.COUNT,
            queries=(
                increase("leadswitch_wakes_lost_total", "lost"),
                increase("leadswitch_enqueue_retried_total", "enqueued later"),
            ),
        ),
        Panel(
            title="Enqueueing retried",
            description="What Redis or the broker refused and a process retries. Normal: 0.",
            unit=Unit.COUNT,
            queries=(gauge_by("kind", "leadswitch_enqueue_retry_buffer", across=Across.SUM),),
        ),
        Panel(
            title="Failed schedule calls",
            description="Calls of the schedule in Redis that failed, by operation. Normal: 0.",
            unit=Unit.COUNT,
            queries=(increase_by("operation", "leadswitch_schedule_failures_total"),),
        ),
        Panel(
            title="Attempts without a mark",
            description="Attempts without a lease that could not be marked or unmarked. Normal: 0.",
            unit=Unit.COUNT,
            queries=(increase_by("step", "leadswitch_begun_marks_failed_total"),),
        ),
        Panel(
            title="Repairs by reconciler",
            description="What reconcilers repaired. Normal: 0; many for a few minutes after Redis was lost.",
            unit=Unit.COUNT,
            view=View.STACKED,
            queries=(increase_by("reconciler", "leadswitch_reconciler_repairs_total"),),
        ),
        Panel(
            title="Age of reconcilers",
            description="How long ago each reconciler last completed. Normal: under twice its period"
            " (docs/reconcilers.md).",
            unit=Unit.SECONDS,
            queries=(gauge_by("reconciler", "leadswitch_reconciler_age_seconds"),),
        ),
        Panel(
            title="Runs of reconcilers",
            description="Runs by how they ended: done, busy, failed. Normal: no failed ones.",
            unit=Unit.COUNT,
            view=View.STACKED,
            queries=(increase_by("end", "leadswitch_reconciler_runs_total"),),
        ),
        Panel(
            title="Duration of reconcilers",
            description="How long a run takes, p95 by reconciler. Normal: under its period.",
            unit=Unit.SECONDS,
            queries=(
                Query(
                    Quantile(Series("leadswitch_reconciler_seconds"), 0.95, ("reconciler",)), "{reconciler}"
                ),
            ),
        ),
        Panel(
            title="Found by reconcilers",
            description="What the last run found, repaired or not. Normal: 0.",
            unit=Unit.COUNT,
            queries=(gauge_by("reconciler", "leadswitch_reconciler_found"),),
        ),
        Panel(
            title="Shadow mode",
            description="Leads of workspaces in shadow mode by what the index said. docs/dispatch-rollout.md has"
            " the exit figures.",
            unit=Unit.COUNT,
            view=View.STACKED,
            queries=(increase_by("result", "leadswitch_shadow_compared_total"),),
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

"""The row of the board Dispatch that shows what was lost and what reconcilers repaired."""

from typing import Final

from leadswitch.levels.dashboards.board import Panel, Query, Row, Unit, View
from leadswitch.levels.dashboards.boards.queries import (
    gauge_by,
    increase,
    increase_by,
)
from leadswitch.levels.dashboards.expressions import ProcessAggregation, Quantile, Series

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
            queries=(
                gauge_by("kind", "leadswitch_enqueue_retry_buffer", aggregation=ProcessAggregation.SUM),
            ),
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
            title="Late reconcilers",
            description="Reconcilers that have not completed for three periods and 90 s. Normal: none.",
            unit=Unit.YES_NO,
            queries=(gauge_by("reconciler", "leadswitch_reconciler_late"),),
        ),
        Panel(
            title="Runs of reconcilers",
            description="Runs by result: done, busy, failed. Normal: none failed.",
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
            title="Workspaces by dispatch mode",
            description="How due leads of workspaces are found: poll, shadow, event. Without event, no dispatcher is"
            " needed.",
            unit=Unit.COUNT,
            queries=(gauge_by("mode", "leadswitch_workspaces"),),
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

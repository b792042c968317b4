"""Retry queue: leads that are tried again, and leads that end there."""

from typing import Final

from leadswitch.levels.alerts.alert import Dashboard
from leadswitch.levels.dashboards.board import Board, Panel, Row, Threshold, Unit, Variable, View
from leadswitch.levels.dashboards.boards.queries import (
    gauge,
    gauge_by,
    increase,
    increase_by,
    is_chosen,
    is_one_of,
    largest,
)
from leadswitch.levels.objectives import DUE_RETRIES_LIMIT

DUE_BY_WORKSPACE: Final = "leadswitch_workspace_retries_due"
ATTEMPTS: Final = "leadswitch_attempts_total"

QUEUE: Final = Row(
    "Queue",
    (
        Panel(
            title="Due retries",
            description="Leads in the retry queue that are due and have not started. Normal: under 20.",
            unit=Unit.COUNT,
            view=View.NUMBER,
            queries=(gauge("leadswitch_retries_due", "due"),),
            thresholds=(Threshold(DUE_RETRIES_LIMIT), Threshold(500, is_error=True)),
            width=8,
        ),
        Panel(
            title="Oldest due retry",
            description="How long the retry that waits longest has been due. Normal: a few seconds.",
            unit=Unit.SECONDS,
            view=View.NUMBER,
            queries=(gauge("leadswitch_retry_oldest_due_age_seconds", "oldest"),),
            thresholds=(Threshold(60), Threshold(600, is_error=True)),
            width=8,
        ),
        Panel(
            title="Most due retries in one workspace",
            description="Due retries of the workspace with the most of them. Normal: under 10.",
            unit=Unit.COUNT,
            view=View.NUMBER,
            queries=(gauge("leadswitch_retries_due_worst_workspace", "most"),),
            thresholds=(Threshold(50),),
            width=8,
        ),
        Panel(
            title="Depth",
            description="All leads in the retry queue, and those of them that are due. Normal: under 20 due.",
            unit=Unit.COUNT,
            queries=(gauge("leadswitch_retries_open", "open"), gauge("leadswitch_retries_due", "due")),
            thresholds=(Threshold(DUE_RETRIES_LIMIT), Threshold(500, is_error=True)),
        ),
        Panel(
            title="Entered",
            description="Attempts after which their lead waits in the retry queue. Normal: under 20 in 30 minutes.",
            unit=Unit.COUNT,
            queries=(increase("leadswitch_retries_entered_total", "entered"),),
        ),
    ),
)
WORKSPACES: Final = Row(
    "Workspaces",
    (
        Panel(
            title="Due retries by workspace",
            description="Of the workspaces with the most due retries. Normal: under 10 each.",
            unit=Unit.COUNT,
            queries=(gauge_by("workspace", DUE_BY_WORKSPACE, is_chosen("workspace")),),
            thresholds=(Threshold(50),),
        ),
        Panel(
            title="Most due retries now",
            description="The workspaces with the most due retries now.",
            unit=Unit.COUNT,
            view=View.LIST,
            queries=(largest("workspace", gauge_by("workspace", DUE_BY_WORKSPACE, is_chosen("workspace"))),),
        ),
    ),
)
ENDS: Final = Row(
    "Reasons and outcomes",
    (
        Panel(
            title="Reasons of retries",
            description="Attempts whose lead is tried again, by skip reason, in the period shown.",
            unit=Unit.COUNT,
            view=View.LIST,
            queries=(
                largest(
                    "skip_reason",
                    increase_by("skip_reason", ATTEMPTS, is_one_of("result", "retry", "deferred")),
                ),
            ),
        ),
        Panel(
            title="Expired in the last day",
            description="Leads that expired unsold in the last 24 hours. Normal: under 20.",
            unit=Unit.COUNT,
            queries=(gauge("leadswitch_leads_expired_last_day", "expired"),),
            thresholds=(Threshold(100),),
        ),
        Panel(
            title="Parked leads",
            description="Leads that were parked because too many workers in a row died while running them. Normal: 0.",
            unit=Unit.COUNT,
            queries=(increase("leadswitch_leads_given_up_total", "parked"),),
            thresholds=(Threshold(1),),
        ),
        Panel(
            title="Attempts tried again",
            description="Attempts that ended without a decision, by result. Normal: few.",
            unit=Unit.COUNT,
            view=View.STACKED,
            queries=(increase_by("result", ATTEMPTS, is_one_of("result", "retry", "deferred")),),
        ),
    ),
)
RETRIES: Final = Board(
    Dashboard.RETRIES,
    "Retry queue",
    "Leads that are tried again: how many, how late, in which workspace, and why.",
    (QUEUE, WORKSPACES, ENDS),
    (Variable("workspace", "Workspace", DUE_BY_WORKSPACE),),
)

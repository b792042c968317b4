"""Alerts on leads that wait: retries, stale locks, expired leads."""

from typing import Final

from leadswitch.levels.alerts.alert import COUNT, Alert, Dashboard, Job, Severity
from leadswitch.levels.objectives import DUE_RETRIES

QUEUE_ALERTS: Final = (
    Alert(
        name="LeadSwitchDueRetriesHigh",
        severity=Severity.WARNING,
        kind="due-retries",
        reads=Job.EXPORTER,
        expression=f"{DUE_RETRIES.series} > {DUE_RETRIES.limit}",
        holds_for="5m",
        keep_firing_for="5m",
        summary=f"{COUNT} due retries have not started.",
        normal="under 20",
        dashboard=Dashboard.RETRIES,
    ),
    Alert(
        name="LeadSwitchDueRetriesCritical",
        severity=Severity.PAGE,
        kind="due-retries",
        reads=Job.EXPORTER,
        expression=f"{DUE_RETRIES.series} > 500",
        holds_for="2m",
        keep_firing_for="5m",
        summary=f"{COUNT} due retries have not started.",
        normal="under 20",
        dashboard=Dashboard.RETRIES,
    ),
    Alert(
        name="LeadSwitchWorkspaceDueRetriesHigh",
        severity=Severity.WARNING,
        kind="workspace-due-retries",
        reads=Job.EXPORTER,
        expression="max by (workspace) (leadswitch_workspace_retries_due) > 50",
        holds_for="5m",
        keep_firing_for="5m",
        summary=f"{COUNT} due retries of the workspace {{{{ $labels.workspace }}}} have not started.",
        normal="under 10 in one workspace",
        dashboard=Dashboard.RETRIES,
        shown=("workspace",),
    ),
    Alert(
        name="LeadSwitchRetriesEntered",
        severity=Severity.WARNING,
        kind="retries-entered",
        expression="sum(increase(leadswitch_retries_entered_total[30m])) > 50",
        keep_firing_for="10m",
        summary=f"{COUNT} attempts sent their lead to the retry queue in the last 30 minutes.",
        normal="under 20; more when buyers reach their caps or close",
        dashboard=Dashboard.RETRIES,
    ),
    Alert(
        name="LeadSwitchStaleLocks",
        severity=Severity.WARNING,
        kind="stale-locks",
        reads=Job.EXPORTER,
        expression="max(leadswitch_stale_locks) > 10",
        holds_for="2m",
        keep_firing_for="5m",
        summary=f"{COUNT} stale locks: claims of leads that are older than allowed and that no reconciler released.",
        normal="0; the reconciler stale_locks runs every minute",
        dashboard=Dashboard.ROUTING,
    ),
    Alert(
        name="LeadSwitchExpiredHigh",
        severity=Severity.WARNING,
        kind="expired",
        reads=Job.EXPORTER,
        expression="max(leadswitch_leads_expired_last_day) > 100",
        keep_firing_for="15m",
        summary=f"{COUNT} leads expired unsold in the last 24 hours.",
        normal="under 20 a day",
        dashboard=Dashboard.RETRIES,
    ),
)

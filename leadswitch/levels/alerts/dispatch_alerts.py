"""Alerts on the dispatch: whether leads move, who leads, leases, queues, workers, and balances."""

from typing import Final

from leadswitch.levels.alerts.alert import COUNT, Alert, Dashboard, Job, Severity

# 0 if every workspace polls: no dispatcher is expected. Without the series one is.
POLLED_ONLY: Final = 'max(leadswitch_workspaces{mode="event"}) == 0'

DISPATCH_ALERTS: Final = (
    Alert(
        name="LeadSwitchDispatchHalted",
        severity=Severity.PAGE,
        kind="dispatch",
        reads=Job.EXPORTER,
        # Two signs of a recent decision: the exporter may be unable to read the age of the last one.
        expression=(
            "max(min_over_time(leadswitch_leads_overdue[2m])) > 10\n"
            "unless (max(leadswitch_last_decision_age_seconds) <= 120"
            " or sum(increase(leadswitch_leads_decided_total[2m])) > 0)"
        ),
        holds_for="30s",
        keep_firing_for="2m",
        summary=f"No lead has been decided for 2 minutes although {COUNT} leads are overdue.",
        normal="0 overdue, and a decision within seconds of a lead being due",
        dashboard=Dashboard.DISPATCH,
    ),
    Alert(
        name="LeadSwitchNoLeader",
        severity=Severity.PAGE,
        kind="leader",
        reads=Job.EXPORTER,
        expression=f"max(leadswitch_leaders) == 0 unless {POLLED_ONLY}",
        holds_for="30s",
        summary=f"{COUNT} dispatchers are leading. Workers pick up leads from PostgreSQL every few seconds.",
        normal="1; 0 is quiet while no workspace is in event mode",
        dashboard=Dashboard.DISPATCH,
    ),
    Alert(
        name="LeadSwitchTwoLeaders",
        severity=Severity.PAGE,
        kind="leader",
        reads=Job.EXPORTER,
        expression="max(leadswitch_leaders) > 1",
        holds_for="30s",
        summary=f"{COUNT} dispatchers are leading at the same time.",
        normal="1",
        dashboard=Dashboard.DISPATCH,
    ),
    Alert(
        name="LeadSwitchCanaryLate",
        severity=Severity.WARNING,
        kind="dispatch",
        reads=Job.EXPORTER,
        # Without a leader no canary is sent, and one that was out stays out: LeadSwitchNoLeader.
        expression="max(leadswitch_canary_late_seconds) > 0\nand max(leadswitch_leaders) > 0",
        holds_for="2m",
        keep_firing_for="2m",
        summary=(
            "A canary has been on its way to a worker for {{ $value | humanizeDuration }}. Some part between the"
            " schedule and the workers does not work, and the leading dispatcher runs due leads itself."
        ),
        normal="a canary returns within a second",
        dashboard=Dashboard.DISPATCH,
    ),
    Alert(
        name="LeadSwitchLeasesLost",
        severity=Severity.WARNING,
        kind="leases",
        expression="sum(increase(leadswitch_inflight_leases_lost_total[5m])) / 5 > 10",
        keep_firing_for="5m",
        summary=f"{COUNT} leases per minute expire before their lead is decided.",
        normal="0; a few when a worker is restarted",
        dashboard=Dashboard.DISPATCH,
    ),
    Alert(
        name="LeadSwitchScheduleRepairs",
        severity=Severity.WARNING,
        kind="schedule",
        expression='sum(increase(leadswitch_reconciler_repairs_total{reconciler="schedule"}[5m])) / 5 > 10',
        keep_firing_for="5m",
        summary=f"The reconciler schedule repairs {COUNT} leads per minute.",
        normal="0; many for a few minutes after Redis was lost",
        dashboard=Dashboard.DISPATCH,
    ),
    Alert(
        name="LeadSwitchReconcilerLate",
        severity=Severity.WARNING,
        kind="reconcilers",
        reads=Job.EXPORTER,
        expression="max by (reconciler) (leadswitch_reconciler_late) > 0",
        holds_for="2m",
        summary=(
            "The reconciler {{ $labels.reconciler }} has not completed for three periods and 90 s. It fails, or beat or"
            " the workers do not run it."
        ),
        normal="each reconciler completes once in its period",
        dashboard=Dashboard.DISPATCH,
    ),
    Alert(
        name="LeadSwitchShardWaiting",
        severity=Severity.WARNING,
        kind="dispatch",
        reads=Job.EXPORTER,
        # A ready queue itself stays short. The second part excludes leads of paused workspaces.
        expression=(
            "max by (shard) (leadswitch_redis_schedule_overdue_leads) > 100\n"
            "and on() max(leadswitch_leads_overdue) > 100"
        ),
        holds_for="2m",
        keep_firing_for="5m",
        summary=f"{COUNT} due leads wait for room in the ready queue {{{{ $labels.shard }}}}.",
        normal="under 20",
        dashboard=Dashboard.DISPATCH,
        shown=("shard",),
    ),
    Alert(
        name="LeadSwitchWorkersHalved",
        severity=Severity.WARNING,
        kind="workers",
        reads=Job.EXPORTER,
        expression="max(leadswitch_workers) <= 0.5 * max(max_over_time(leadswitch_workers[1h]))",
        holds_for="2m",
        summary=f"{COUNT} workers are alive, half or less of the peak in the last hour.",
        normal="as many as you run",
        dashboard=Dashboard.DISPATCH,
    ),
    Alert(
        name="LeadSwitchBalancesDrift",
        severity=Severity.PAGE,
        kind="money",
        reads=Job.EXPORTER,
        expression="max(leadswitch_wallets_drifted) > 0",
        holds_for="2m",
        summary=f"{COUNT} balances differ from their ledger.",
        normal="0",
        dashboard=Dashboard.DATABASE,
    ),
    Alert(
        name="LeadSwitchStatementsOverdue",
        severity=Severity.WARNING,
        kind="statements",
        reads=Job.EXPORTER,
        expression="max(leadswitch_buyers_overdue) > 0",
        holds_for="5m",
        summary=f"{COUNT} buyers are late to pay.",
        normal="0; a buyer who pays late shows here",
        dashboard=Dashboard.DATABASE,
    ),
)

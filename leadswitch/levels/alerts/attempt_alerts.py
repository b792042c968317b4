"""Alerts on attempts: how they end, how long they take, locks, duplicates.

Each ratio has a floor, so that one failure at low traffic fires no alert.
"""

from typing import Final

from leadswitch.levels.alerts.alert import Alert, Dashboard, Severity

ENDED: Final = 'sum(increase(leadswitch_attempts_total{result!="retry"}[5m]))'
ALL_ATTEMPTS: Final = "sum(increase(leadswitch_attempts_total[5m]))"
LOCKS: Final = "sum(increase(leadswitch_lead_lock_seconds_count[5m]))"

ATTEMPT_ALERTS: Final = (
    Alert(
        name="LeadSwitchFailureRateHigh",
        severity=Severity.PAGE,
        kind="failures",
        expression=(
            f'sum(increase(leadswitch_attempts_total{{result="failed"}}[5m]))\n/ {ENDED} > 0.10\n'
            'and sum(increase(leadswitch_attempts_total{result="failed"}[15m])) >= 5'
        ),
        holds_for="15m",
        keep_firing_for="5m",
        summary="{{ $value | humanizePercentage }} of attempts have failed for 15 minutes.",
        normal="under 1%",
        dashboard=Dashboard.ROUTING,
    ),
    Alert(
        name="LeadSwitchSuccessRateLow",
        severity=Severity.WARNING,
        kind="failures",
        expression=(
            f'sum(increase(leadswitch_attempts_total{{result!~"failed|retry"}}[5m]))\n/ {ALL_ATTEMPTS} < 0.95\n'
            'and sum(increase(leadswitch_attempts_total{result=~"failed|retry"}[15m])) >= 5'
        ),
        holds_for="15m",
        keep_firing_for="5m",
        summary="Only {{ $value | humanizePercentage }} of attempts have reached a decision for 15 minutes.",
        normal="over 99%; unsold leads and duplicates are decisions",
        dashboard=Dashboard.ROUTING,
    ),
    Alert(
        name="LeadSwitchLockTimeouts",
        severity=Severity.WARNING,
        kind="locks",
        expression='sum(increase(leadswitch_lead_lock_seconds_count{outcome="timed_out"}[5m])) > 10',
        keep_firing_for="5m",
        summary='{{ $value | printf "%.0f" }} lead locks timed out in the last 5 minutes.',
        normal="0",
        dashboard=Dashboard.ROUTING,
    ),
    Alert(
        name="LeadSwitchLockSuccessLow",
        severity=Severity.WARNING,
        kind="locks",
        expression=(
            f'sum(increase(leadswitch_lead_lock_seconds_count{{outcome="acquired"}}[5m]))\n/ {LOCKS} < 0.90\n'
            'and sum(increase(leadswitch_lead_lock_seconds_count{outcome!="acquired"}[5m])) >= 5'
        ),
        holds_for="5m",
        keep_firing_for="5m",
        summary="Only {{ $value | humanizePercentage }} of lead locks were acquired on the first try.",
        normal="over 99%",
        dashboard=Dashboard.ROUTING,
    ),
    Alert(
        name="LeadSwitchDuplicatesHigh",
        severity=Severity.WARNING,
        kind="duplicates",
        expression=(
            "sum(increase(leadswitch_duplicates_total[1h]))\n"
            # Leads that were received earlier can be decided in an hour without receipts.
            "/ (sum(increase(leadswitch_leads_received_total[1h])) != 0) > 0.20\n"
            "and sum(increase(leadswitch_duplicates_total[1h])) >= 10"
        ),
        keep_firing_for="15m",
        summary=(
            "The duplicates found in the last hour are {{ $value | humanizePercentage }} of the leads received in it."
        ),
        normal="under 10%",
        dashboard=Dashboard.ROUTING,
    ),
    Alert(
        name="LeadSwitchDecisionSlow",
        severity=Severity.WARNING,
        kind="latency",
        expression=(
            "histogram_quantile(0.95, sum by (le) (rate(leadswitch_due_to_decision_seconds_bucket[15m]))) > 5\n"
            "and sum(increase(leadswitch_due_to_decision_seconds_count[15m])) >= 20"
        ),
        holds_for="5m",
        keep_firing_for="5m",
        summary="5% of leads take {{ $value | humanizeDuration }} or longer from due to decided.",
        normal="under 2 s",
        dashboard=Dashboard.PERFORMANCE,
    ),
)

"""Alerts on deliveries: whether sold leads reach the buyers' systems, and what waits for a person."""

from typing import Final

from leadswitch.levels.alerts.alert import Alert, Dashboard, Job, Severity
from leadswitch.levels.delivery_limits import (
    FAILED_MESSAGES,
    FAILING_MINUTES,
    HALTED_SECONDS,
    HOLD_HOURS,
    RETURN_DAYS,
    UNKNOWN_HOURS,
)

# Every buyer uses the portal alone: no deliverer is expected. Without the series one is.
NO_ENDPOINTS: Final = "max(leadswitch_endpoints) == 0"
COUNT: Final = '{{ $value | printf "%.0f" }}'
DURATION: Final = "{{ $value | humanizeDuration }}"
MINUTE, HOUR, DAY = 60, 3_600, 86_400

DELIVERY_ALERTS: Final = (
    Alert(
        name="LeadSwitchDeliveriesHalted",
        severity=Severity.PAGE,
        kind="deliveries",
        reads=Job.EXPORTER,
        # Two signs that something moves: a deliverer may be unable to show its counters.
        expression=(
            f"max(leadswitch_delivery_oldest_due_age_seconds) > {HALTED_SECONDS}\n"
            f"unless (max(leadswitch_delivery_last_try_age_seconds) <= {HALTED_SECONDS}"
            f" or sum(increase(leadswitch_delivery_tries_total[{HALTED_SECONDS // MINUTE}m])) > 0)"
        ),
        holds_for="1m",
        keep_firing_for="2m",
        summary=f"A message to a buyer has been due for {DURATION}, and none was tried for 2 minutes.",
        normal="a due message is tried within a second",
        dashboard=Dashboard.DELIVERIES,
    ),
    Alert(
        name="LeadSwitchEndpointsFailing",
        severity=Severity.WARNING,
        kind="endpoints",
        reads=Job.EXPORTER,
        expression="max(leadswitch_endpoints_failing) > 0",
        holds_for="5m",
        keep_firing_for="5m",
        summary=(
            f"Endpoints without a success for {FAILING_MINUTES} minutes, while {FAILED_MESSAGES} messages or more"
            f" failed: {COUNT}."
        ),
        normal="0; a buyer's outage shows here",
        dashboard=Dashboard.DELIVERIES,
    ),
    Alert(
        name="LeadSwitchDeliveriesUnknown",
        severity=Severity.WARNING,
        kind="unknown-deliveries",
        reads=Job.EXPORTER,
        expression=f"max(leadswitch_delivery_oldest_unknown_age_seconds) > {UNKNOWN_HOURS * HOUR}",
        holds_for="5m",
        summary=f"A message that the buyer may have, or not, has waited for a person for {DURATION}.",
        normal=f"decided within {UNKNOWN_HOURS} hours",
        dashboard=Dashboard.DELIVERIES,
    ),
    Alert(
        name="LeadSwitchHoldsOpen",
        severity=Severity.WARNING,
        kind="holds",
        reads=Job.EXPORTER,
        expression=f"max(leadswitch_hold_oldest_age_seconds) > {HOLD_HOURS * HOUR}",
        holds_for="5m",
        summary=f"A buyer's money has been held for {DURATION}.",
        normal="seconds; up to 35 minutes while messages are tried again",
        dashboard=Dashboard.DELIVERIES,
    ),
    Alert(
        name="LeadSwitchReturnsWaiting",
        severity=Severity.WARNING,
        kind="returns",
        reads=Job.EXPORTER,
        expression=f"max(leadswitch_return_request_oldest_age_seconds) > {RETURN_DAYS * DAY}",
        holds_for="5m",
        summary=f"A return request has waited for review for {DURATION}.",
        normal=f"reviewed within {RETURN_DAYS} days",
        dashboard=Dashboard.DELIVERIES,
    ),
)

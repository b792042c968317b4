"""Alerts on payments by card: what waits for the provider or a person, and webhooks that are refused."""

from typing import Final

from leadswitch.levels.alerts.alert import Alert, Dashboard, Job, Severity
from leadswitch.levels.payment_limits import REFUSED_MINUTES, REFUSED_WEBHOOKS, STUCK_MINUTES

MINUTE: Final = 60
COUNT: Final = '{{ $value | printf "%.0f" }}'
DURATION: Final = "{{ $value | humanizeDuration }}"

PAYMENT_ALERTS: Final = (
    Alert(
        name="LeadSwitchPaymentsStuck",
        severity=Severity.WARNING,
        kind="payments",
        reads=Job.EXPORTER,
        expression=f"max(leadswitch_payment_oldest_open_age_seconds) > {STUCK_MINUTES * MINUTE}",
        holds_for="5m",
        summary=f"A payment, refund or surplus by card has waited for {DURATION}.",
        normal="seconds; minutes after an answer was lost",
        dashboard=Dashboard.DELIVERIES,
    ),
    Alert(
        name="LeadSwitchWebhooksRefused",
        severity=Severity.WARNING,
        kind="payment-webhooks",
        reads=Job.WEB,
        # Anybody can send a wrong signature. While the provider's own webhooks are accepted, that harms nothing.
        expression=(
            f"sum(increase(leadswitch_payment_webhooks_refused_total[{REFUSED_MINUTES}m])) >= {REFUSED_WEBHOOKS}\n"
            f"unless sum(increase(leadswitch_payment_webhooks_total[{REFUSED_MINUTES}m])) > 0"
        ),
        holds_for="5m",
        summary=(
            f"Webhooks about payments that were refused in {REFUSED_MINUTES} minutes, while none was accepted: {COUNT}."
        ),
        normal="0 refused",
        dashboard=Dashboard.DELIVERIES,
    ),
)

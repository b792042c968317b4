"""Alerts on offers: whether they close when their time is over."""

from typing import Final

from leadswitch.levels.alerts.alert import Alert, Dashboard, Job, Severity
from leadswitch.levels.objectives import CLOSING

# A restart of the workers takes less.
OVERDUE_SECONDS: Final = 60
# With fewer, a single one would be the 99th percentile.
LEAST_CLOSED: Final = 100
DURATION: Final = "{{ $value | humanizeDuration }}"

OFFER_ALERTS: Final = (
    Alert(
        name="LeadSwitchOffersOverdue",
        severity=Severity.WARNING,
        kind="offers",
        reads=Job.EXPORTER,
        expression=f"max(leadswitch_offer_overdue_age_seconds) > {OVERDUE_SECONDS}",
        holds_for="1m",
        keep_firing_for="2m",
        summary=f"The time of an offer was over {DURATION} ago, and it is still open. No buyer can claim its lead.",
        normal="0; an offer closes within 100 ms of its end",
        dashboard=Dashboard.OFFERS,
    ),
    Alert(
        name="LeadSwitchOffersClosedLate",
        severity=Severity.WARNING,
        kind="offers",
        expression=(
            f"histogram_quantile({CLOSING.quantile:g}, sum by (le) (rate({CLOSING.histogram}_bucket[15m])))"
            f" > {CLOSING.limit_seconds:g}\n"
            f"and sum(increase({CLOSING.histogram}_count[15m])) >= {LEAST_CLOSED}"
        ),
        holds_for="5m",
        keep_firing_for="5m",
        summary=f"1% of offers close {DURATION} or later after their end.",
        normal="under 100 ms",
        dashboard=Dashboard.OFFERS,
    ),
)

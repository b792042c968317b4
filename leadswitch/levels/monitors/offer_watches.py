"""The conditions of the alerts on offers."""

from typing import Final

from leadswitch.levels.alerts.offer_alerts import LEAST_CLOSED, OVERDUE_SECONDS
from leadswitch.levels.dashboards.expressions import Quantile, Series
from leadswitch.levels.monitors.condition import Compare, Condition, Watch, WindowAggregation
from leadswitch.levels.monitors.forms import above, at_least, increase
from leadswitch.levels.objectives import CLOSING

OFFER_WATCHES: Final[dict[str, Watch]] = {
    "LeadSwitchOffersOverdue": above("leadswitch_offer_overdue_age_seconds", OVERDUE_SECONDS, "1m"),
    "LeadSwitchOffersClosedLate": Watch(
        (
            Condition(
                part="p99",
                expression=Quantile(Series(CLOSING.histogram), CLOSING.quantile),
                aggregation=WindowAggregation.PERCENTILE,
                window="15m",
                compare=Compare.ABOVE,
                limit=CLOSING.limit_seconds,
            ),
            at_least(increase(f"{CLOSING.histogram}_count"), "15m", LEAST_CLOSED),
        )
    ),
}

"""The conditions of the alerts on deliveries."""

from typing import Final

from leadswitch.levels.dashboards.expressions import Gauge, Series
from leadswitch.levels.delivery_limits import HALTED_SECONDS, HOLD_HOURS, RETURN_DAYS, UNKNOWN_HOURS
from leadswitch.levels.monitors.condition import Compare, Condition, Watch, WindowAggregation
from leadswitch.levels.monitors.forms import above, increase

HOUR: Final = 3_600
HALTED: Final = Watch(
    (
        Condition(
            part="oldest due",
            expression=Gauge(Series("leadswitch_delivery_oldest_due_age_seconds")),
            aggregation=WindowAggregation.MIN,
            window="1m",
            compare=Compare.ABOVE,
            limit=HALTED_SECONDS,
            tells_no_data=True,
        ),
        Condition(
            part="last try",
            expression=Gauge(Series("leadswitch_delivery_last_try_age_seconds")),
            aggregation=WindowAggregation.MAX,
            window="1m",
            compare=Compare.ABOVE,
            limit=HALTED_SECONDS,
        ),
        Condition(
            part="no try",
            expression=increase("leadswitch_delivery_tries_total"),
            aggregation=WindowAggregation.SUM,
            window="2m",
            compare=Compare.EQUAL,
            limit=0,
            is_zero_without_data=True,
        ),
    )
)
DELIVERY_WATCHES: Final[dict[str, Watch]] = {
    "LeadSwitchDeliveriesHalted": HALTED,
    "LeadSwitchEndpointsFailing": above("leadswitch_endpoints_failing", 0, "5m"),
    "LeadSwitchDeliveriesUnknown": above(
        "leadswitch_delivery_oldest_unknown_age_seconds", UNKNOWN_HOURS * HOUR, "5m"
    ),
    "LeadSwitchHoldsOpen": above("leadswitch_hold_oldest_age_seconds", HOLD_HOURS * HOUR, "5m"),
    "LeadSwitchReturnsWaiting": above(
        "leadswitch_return_request_oldest_age_seconds", RETURN_DAYS * 24 * HOUR, "5m"
    ),
}

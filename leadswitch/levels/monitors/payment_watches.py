"""The conditions of the alerts on payments by card."""

from typing import Final

from leadswitch.levels.monitors.condition import Compare, Condition, Watch, WindowAggregation
from leadswitch.levels.monitors.forms import above, at_least, increase
from leadswitch.levels.payment_limits import REFUSED_MINUTES, REFUSED_WEBHOOKS, STUCK_MINUTES

REFUSED: Final = Watch(
    (
        at_least(
            increase("leadswitch_payment_webhooks_refused_total"), f"{REFUSED_MINUTES}m", REFUSED_WEBHOOKS
        ),
        Condition(
            part="none accepted",
            expression=increase("leadswitch_payment_webhooks_total"),
            aggregation=WindowAggregation.SUM,
            window=f"{REFUSED_MINUTES}m",
            compare=Compare.EQUAL,
            limit=0,
            is_zero_without_data=True,
        ),
    )
)
PAYMENT_WATCHES: Final[dict[str, Watch]] = {
    "LeadSwitchPaymentsStuck": above("leadswitch_payment_oldest_open_age_seconds", STUCK_MINUTES * 60, "5m"),
    "LeadSwitchWebhooksRefused": REFUSED,
}

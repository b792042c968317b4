"""Every alert, in the order of the rules file."""

from typing import Final

from leadswitch.levels.alerts.alert import Alert
from leadswitch.levels.alerts.attempt_alerts import ATTEMPT_ALERTS
from leadswitch.levels.alerts.burn import make_burn_alerts
from leadswitch.levels.alerts.call_alerts import CALL_ALERTS
from leadswitch.levels.alerts.delivery_alerts import DELIVERY_ALERTS
from leadswitch.levels.alerts.dispatch_alerts import DISPATCH_ALERTS
from leadswitch.levels.alerts.offer_alerts import OFFER_ALERTS
from leadswitch.levels.alerts.payment_alerts import PAYMENT_ALERTS
from leadswitch.levels.alerts.queue_alerts import QUEUE_ALERTS
from leadswitch.levels.alerts.watch_alerts import WATCH_ALERTS
from leadswitch.levels.objectives import OBJECTIVES

OBJECTIVE_ALERTS: Final = tuple(alert for objective in OBJECTIVES for alert in make_burn_alerts(objective))
ALERTS: Final[tuple[Alert, ...]] = (
    *OBJECTIVE_ALERTS,
    *ATTEMPT_ALERTS,
    *QUEUE_ALERTS,
    *DISPATCH_ALERTS,
    *DELIVERY_ALERTS,
    *PAYMENT_ALERTS,
    *OFFER_ALERTS,
    *CALL_ALERTS,
    *WATCH_ALERTS,
)

"""From when on deliveries, holds and return requests are a problem: for alerts, gauges and `manage.py deliveries`."""

from typing import Final

from distribution.deliveries.liveness import ALIVE_SECONDS

HALTED_SECONDS: Final = 120
FAILING_MINUTES: Final = 10
# With fewer failed messages an endpoint is not failing: one rejected lead at low traffic is normal.
FAILED_MESSAGES: Final = 3
UNKNOWN_HOURS: Final = 4
HOLD_HOURS: Final = 2
RETURN_DAYS: Final = 3
DELIVERER_ALIVE_SECONDS: Final = ALIVE_SECONDS

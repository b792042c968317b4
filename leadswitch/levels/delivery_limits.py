"""From when on deliveries, holds and return requests are a problem: for alerts, gauges and `manage.py deliveries`."""

from typing import Final

HALTED_SECONDS: Final = 120
FAILING_MINUTES: Final = 10
# With fewer failed messages an endpoint is not failing: one rejected lead at low traffic is normal.
FAILED_MESSAGES: Final = 3
UNKNOWN_HOURS: Final = 4
HOLD_HOURS: Final = 2
RETURN_DAYS: Final = 3
# A deliverer writes its heartbeat every 5 seconds, and a turn may wait for PostgreSQL.
DELIVERER_ALIVE_SECONDS: Final = 30

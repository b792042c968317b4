"""The periods that the suite's processes run with. Needs no settings: they are made from it."""

from typing import Final

LEASE_SECONDS: Final = 2
PICKUP_SECONDS: Final = 1
RECONCILER_SECONDS: Final = {
    "inflight": 1,
    "schedule": 2,
    "workspace_pauses": 3,
    "wakeups": 5,
    "stale_locks": 5,
    "balances": 10,
    "expiry": 30,
}
ENVIRONMENT: Final = {
    "LEADSWITCH_LEASE_SECONDS": str(LEASE_SECONDS),
    "LEADSWITCH_PICKUP_PERIOD_SECONDS": str(PICKUP_SECONDS),
    # A lead may be lost by each of the kills: here that is no fault of the lead.
    "LEADSWITCH_MAX_LOST_LEASES": "100",
    "LEADSWITCH_LOG_LEVEL": "INFO",
}

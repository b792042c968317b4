"""The periods that the suite's processes run with. Needs no settings, because the settings are made from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Periods:
    """`reconcilers`: seconds between runs, by name. Those that are not named keep the product's own period."""

    name: str
    lease_seconds: int
    pickup_seconds: int
    reconcilers: Mapping[str, int] = field(default_factory=dict)
    ready_limit: int = 250

    @property
    def environment(self) -> dict[str, str]:
        return {
            "CHAOS_PERIODS": self.name,
            "LEADSWITCH_LEASE_SECONDS": str(self.lease_seconds),
            "LEADSWITCH_PICKUP_PERIOD_SECONDS": str(self.pickup_seconds),
            "LEADSWITCH_READY_LIMIT": str(self.ready_limit),
            # Each kill may lose a lead. In these runs the lead is not the cause.
            "LEADSWITCH_MAX_LOST_LEASES": "100",
            "LEADSWITCH_LOG_LEVEL": "INFO",
        }


# With these periods every way back to a worker is used many times in a run.
SHORT: Final = Periods(
    "short",
    lease_seconds=2,
    pickup_seconds=1,
    reconcilers={
        "inflight": 1,
        "schedule": 2,
        "workspace_pauses": 3,
        "wakeups": 5,
        "rollups": 5,
        "stale_locks": 5,
        "holds": 5,
        "balances": 10,
        "expiry": 30,
    },
)
# With the periods of an installation, a wait for a lease or a reconciler becomes visible.
# Queues are short, like the run. Leads lost in flight occupy their places, and no other lead is enqueued.
PRODUCTION: Final = Periods("production", lease_seconds=30, pickup_seconds=5, ready_limit=8)
BY_NAME: Final[Mapping[str, Periods]] = {each.name: each for each in (SHORT, PRODUCTION)}

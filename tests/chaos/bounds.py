"""The longest time that a lead's way back to a worker may take: the sum of the product's own periods."""

from typing import Final

from distribution.handback import WAIT_AFTER_FAILURE
from routing.dispatcher import LEADER_LEASE_SECONDS, STANDBY_SECONDS
from routing.reconcile.inflight import WAIT_MS
from routing.reconcile.schedule import LEAST_AGE
from routing.straight import ROUND_SECONDS
from routing.wake import PAUSE_AFTER_FAILURE_SECONDS
from tests.chaos.periods import LEASE_SECONDS, RECONCILER_SECONDS

# When everything goes wrong for it one after the other.
WAY_BACK: Final = {
    "Redis is asked again after a round without it": ROUND_SECONDS,
    "the broker is asked again after a failure": PAUSE_AFTER_FAILURE_SECONDS,
    "a lost leader's lease": LEADER_LEASE_SECONDS,
    "another dispatcher stands by": STANDBY_SECONDS,
    "a lost worker's lease": LEASE_SECONDS,
    "reconcile inflight": RECONCILER_SECONDS["inflight"],
    "the lead waits until its loss is counted": WAIT_MS / 1000,
    "too young for reconcile schedule": LEAST_AGE.total_seconds(),
    "reconcile schedule": RECONCILER_SECONDS["schedule"],
    "the database failed under its worker": WAIT_AFTER_FAILURE.total_seconds(),
}
WAY_BACK_SECONDS: Final = sum(WAY_BACK.values())

"""The longest time until a lead is back at a worker: the sum of the product's own periods."""

from collections.abc import Mapping

from django.conf import settings

from routing.dispatch.inflight import WAIT_AFTER_FAILURE
from routing.dispatch.schedule import UNSTARTED_MS
from routing.reconcile.inflight import WAIT_MS
from routing.reconcile.schedule import LEAST_AGE
from tests.chaos.periods import PRODUCTION, Periods


def ways_back_without_a_loss() -> Mapping[str, float]:
    """The longest delay of a lead whose process did not die, if every step fails in turn. In seconds."""
    tuning, takeover = settings.LEADSWITCH_TUNING, settings.LEADSWITCH_TAKEOVER
    return {
        "Redis is asked again after a round without it": takeover.fallback_round_seconds,
        "the broker is asked again after a failure": tuning.broker_pause_seconds,
        "a lost leader's lease": tuning.leader_lease_ms / 1000,
        "another dispatcher is a standby": takeover.standby_seconds,
        "the database failed under its worker": WAIT_AFTER_FAILURE.total_seconds(),
        "its message was lost with a connection": UNSTARTED_MS / 1000,
        "the leader checks for such leads": settings.LEADSWITCH_WATCH["leader_check"],
    }


def ways_back(periods: Periods) -> Mapping[str, float]:
    """In seconds. With PRODUCTION periods no worker dies, so no lead may wait for a lease or a reconciler."""
    if periods is PRODUCTION:
        return ways_back_without_a_loss()
    return {
        **ways_back_without_a_loss(),
        "a lost worker's lease": periods.lease_seconds,
        "reconcile inflight": periods.reconcilers["inflight"],
        "the lead waits until its loss is counted": WAIT_MS / 1000,
        "too young for reconcile schedule": LEAST_AGE.total_seconds(),
        "reconcile schedule": periods.reconcilers["schedule"],
    }


def longest_way_back(periods: Periods) -> float:
    """In seconds."""
    return sum(ways_back(periods).values())

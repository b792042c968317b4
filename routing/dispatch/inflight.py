"""A worker's lease on a lead: renewed when the worker starts the lead, released on every path.

The lease only saves other workers a useless start: the worker that has the row's lock runs the lead. So a worker
continues without a lease while Redis does not respond.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Final

from routing.dispatch import schedule
from routing.dispatch.enqueue import ENQUEUER, enqueue_now
from routing.dispatch.schedule import AT_ONCE, Release
from routing.metrics.dispatch import FLIGHTS_REFUSED
from routing.models import DispatchMode
from routing.queries import DueTime
from routing.redis.outage import guarded, is_done

# If a worker could not read a lead, another worker gets it after this time. No setting: PostgreSQL failed then, and no
# other number brings the lead back before it answers.
WAIT_AFTER_FAILURE: Final = timedelta(seconds=5)


@dataclass(slots=True)
class Lease:
    """`deadline_ms` None: Redis did not respond the renewal.

    Unless the worker sets another `release`, the lead is due again after WAIT_AFTER_FAILURE.
    """

    lead_id: int
    deadline_ms: int | None
    release: Release = field(init=False)
    due: DueTime | None = None  # for the workers, where no dispatcher serves the lead's workspace

    def __post_init__(self) -> None:
        self.release = Release(
            self.lead_id, self.deadline_ms, due_at=AT_ONCE, wait_ms=_to_ms(WAIT_AFTER_FAILURE)
        )

    def finish(self) -> None:
        """Nothing is left to do for the lead."""
        self.release = Release(self.lead_id, self.deadline_ms)

    def wait_until(self, due: DueTime, *, least_wait: timedelta) -> None:
        """The lead is due again by its row: put it where the mode of its workspace needs it."""
        if due.mode == DispatchMode.EVENT:
            wait_ms = _to_ms(least_wait)
            self.release = Release(self.lead_id, self.deadline_ms, due.due_at, due.workspace_id, wait_ms)
        else:
            self.finish()
            self.due = due


@contextmanager
def leased(lead_id: int) -> Iterator[Lease | None]:
    """Renew the lease of a lead that starts now, and release it on every path as its worker has set.

    Yields None for an old or duplicate message: the lead was scheduled again, or another worker has started it.
    """
    unrenewed: Lease | None = Lease(lead_id, None)
    lease = guarded("start", partial(_renew, lead_id), unrenewed)
    if lease is None:
        FLIGHTS_REFUSED.inc()
        yield None
        return
    try:
        yield lease
    finally:
        _end(lease.release)
        if lease.due is not None:
            enqueue_now([lease.due])


def _to_ms(wait: timedelta) -> int:
    return max(0, int(wait.total_seconds() * 1000))


def _renew(lead_id: int) -> Lease | None:
    deadline_ms = schedule.start([lead_id])[0]
    return None if deadline_ms is None else Lease(lead_id, deadline_ms)


def _end(release: Release) -> None:
    """Retried if Redis refuses it. A retry does not change a lease that has another deadline by then.

    If Redis also refused the renewal, the deadline is unknown, and a retry ends any lease of the lead. Otherwise the
    lead would stay in flight under the lease of its dispatch, with a place in its queue, and no put would start it.
    """
    if not is_done("end", partial(schedule.release, [release])):
        ENQUEUER.retry_later(releases=[release])

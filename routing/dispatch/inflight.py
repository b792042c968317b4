"""A worker's hold on a lead that was handed to it: renewed as it starts, ended on every path.

The lease only keeps others from starting the lead in vain: whoever has its row's lock runs it. So a worker goes on
without a lease while Redis does not answer.
"""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from routing import metrics
from routing.dispatch import schedule
from routing.dispatch.enqueue import ENQUEUER, enqueue_now
from routing.dispatch.schedule import AT_ONCE, Release
from routing.models import DispatchMode
from routing.queries import DueTime
from routing.redis.outage import guarded, is_done


@dataclass(frozen=True, slots=True)
class Lease:
    """`deadline_ms` None: Redis did not answer when it was to be renewed."""

    lead_id: int
    deadline_ms: int | None


def begin(lead_id: int) -> Lease | None:
    """Renew the lease of a lead that is started now. None: leave it alone, it is not the caller's to run.

    An old message, or a double: the lead was scheduled again meanwhile, or another worker has started it.
    """
    unrenewed: Lease | None = Lease(lead_id, None)
    lease = guarded("start", partial(_renew, lead_id), unrenewed)
    if lease is None:
        metrics.FLIGHTS_REFUSED.inc()
    return lease


def end(lease: Lease) -> None:
    """Nothing is left to do for the lead."""
    _end(Release(lease.lead_id, lease.deadline_ms))


def end_and_wait(lease: Lease, due: DueTime, *, least_wait: timedelta) -> None:
    """The lead is due again, as its row says: put it where its workspace's mode wants it."""
    if due.mode == DispatchMode.EVENT:
        wait_ms = _to_ms(least_wait)
        _end(Release(lease.lead_id, lease.deadline_ms, due.due_at, due.workspace_id, wait_ms))
    else:
        end(lease)
        enqueue_now([due])


def end_unread(lease: Lease, *, wait: timedelta) -> None:
    """What became of the lead cannot be read: have it looked at again after `wait`."""
    _end(Release(lease.lead_id, lease.deadline_ms, due_at=AT_ONCE, wait_ms=_to_ms(wait)))


def _to_ms(wait: timedelta) -> int:
    return max(0, int(wait.total_seconds() * 1000))


def _renew(lead_id: int) -> Lease | None:
    deadline_ms = schedule.start([lead_id])[0]
    return None if deadline_ms is None else Lease(lead_id, deadline_ms)


def _end(release: Release) -> None:
    """What Redis does not take is tried again: a lease that has another end by then stays as it is."""
    if is_done("end", partial(schedule.release, [release])):
        return
    if release.deadline_ms is not None:
        ENQUEUER.retry_later(releases=[release])
    elif release.due_at is not None:
        ENQUEUER.retry_later([release.lead_id])  # which lease it has is not known: it goes by its row alone

"""Requeues the leads of expired leases in flight, and ends leads with which too many workers were lost.

A lead that only waited in a queue does not count as a lost worker. A lead whose row is locked is in progress, no
matter how long: the next run checks it again.
"""

from typing import Final

from django.db import transaction

from routing.dispatch import schedule
from routing.dispatch.schedule import Expired, Release
from routing.locks.attempts import lock_lead
from routing.metrics.dispatch import FLIGHTS_LOST
from routing.models import DispatchMode
from routing.queries import DueTime, read_due_times
from routing.reconcile.lost_workers import count_lost_worker
from tracing.reconciling import Counts, in_batches, name_rows

# No setting: it only bounds one answer of Redis. LEADSWITCH_INFLIGHT_PERIOD_SECONDS decides how long leads wait.
LEASES_PER_PAGE: Final = 500
# A lead is not dispatched again before its lost worker is counted.
WAIT_MS: Final = 1_000


def run(*, fix: bool, limit: int) -> Counts:
    def step(after: int | None, count: int) -> tuple[Counts, int | None]:
        offset = after or 0  # past those that were skipped, at the head of the list
        expired = schedule.find_expired(offset=offset, limit=count)
        repaired = sum(_recover(each) for each in expired) if fix else 0
        left = len(expired) - repaired
        named = name_rows("lead", (each.lead_id for each in expired))
        counts = Counts(checked=len(expired), repaired=repaired, skipped=left, named=named)
        return counts, offset + left if len(expired) == count else None

    return in_batches(step, limit=limit, size=LEASES_PER_PAGE)


def _recover(lease: Expired) -> bool:
    """Release an expired lease. Returns False if the lead is in progress, or its lease was released since."""
    found = read_due_times([lease.lead_id])
    attempts = _read_attempts(lease.lead_id) if found else 0
    if attempts is None or not schedule.release([_release(lease, found)])[0]:
        return False
    FLIGHTS_LOST.labels(state="started" if lease.is_started else "queued").inc()
    if (
        lease.is_started
        and found
        and count_lost_worker(lease.lead_id, attempts=attempts, due_at=found[0].due_at)
    ):
        schedule.withdraw([(lease.lead_id, found[0].workspace_id)])
    return True


def _read_attempts(lead_id: int) -> int | None:
    """The number of attempts of the lead. None: its row is locked."""
    with transaction.atomic():
        lead = lock_lead(lead_id)
    return lead.attempts if lead else None


def _release(lease: Expired, found: list[DueTime]) -> Release:
    if not found or found[0].mode != DispatchMode.EVENT:
        return Release(lease.lead_id, lease.deadline_ms)
    wait_ms = WAIT_MS if lease.is_started else 0
    due = found[0]
    return Release(lease.lead_id, lease.deadline_ms, due.due_at, due.workspace_id, wait_ms)

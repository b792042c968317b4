"""Puts pending leads back that are in neither the schedule nor in flight, or there at a wrong time (PITFALLS 25, 26).

The truth is `routing_lead.next_attempt_at`. In workspaces in shadow mode the same is done for the shadow index.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from secrets import randbits
from typing import Final

from routing import schedule, shadow
from routing.backlog import LEADS_A_PAGE, Place, Spread, place_of, put_back, read_page
from routing.models import DispatchMode
from routing.schedule import Due
from tracing.reconciling import Counts, in_batches

# Younger leads may still be on their way from the process that took them in.
LEAST_AGE: Final = timedelta(seconds=2)

Find = Callable[[Sequence[Due]], set[int]]
Repair = Callable[[Sequence[Due]], None]


def run(*, fix: bool, limit: int) -> Counts:
    spread = Spread(randbits(32))
    counts = _sweep(
        DispatchMode.EVENT, schedule.find_lost, partial(_put_back, spread=spread), fix=fix, limit=limit
    )
    return counts + _sweep(
        DispatchMode.SHADOW, shadow.find_missing, _write_shadow, fix=fix, limit=limit - counts.checked
    )


def _sweep(mode: DispatchMode, find: Find, repair: Repair, *, fix: bool, limit: int) -> Counts:
    def step(after: Place | None, count: int) -> tuple[Counts, Place | None]:
        leads = read_page(after, mode=mode, count=count, least_age=LEAST_AGE)
        if not leads:
            return Counts(), None
        lost_ids = find(leads)
        lost = [lead for lead in leads if lead.lead_id in lost_ids]
        if fix and lost:
            repair(lost)
        repaired = len(lost) if fix else 0
        counts = Counts(checked=len(leads), repaired=repaired, skipped=len(lost) - repaired)
        return counts, place_of(leads[-1]) if len(leads) == count else None

    return in_batches(step, limit=limit, size=LEADS_A_PAGE)


def _put_back(leads: Sequence[Due], *, spread: Spread) -> None:
    put_back(leads, spread=spread, at=datetime.now(UTC))


def _write_shadow(leads: Sequence[Due]) -> None:
    shadow.write({(lead.lead_id, lead.workspace_id): lead.due_at for lead in leads})

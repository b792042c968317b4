"""Puts pending leads back that are in neither the schedule nor in flight, or there at a wrong time.

The truth is `routing_lead.next_attempt_at`. For workspaces in shadow mode the same is done with the shadow index, and
what an earlier mode of a workspace has left behind is dropped.

A repair looks in each run at what is due within SOON, several runs ahead, and at a part of the rest: what waits for
longer, and what waits in paused workspaces. A report looks at everything.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from secrets import randbits
from typing import Final

from routing import metrics
from routing.dispatch import schedule, shadow
from routing.dispatch.backlog import (
    ANY_TIME,
    LEADS_A_PAGE,
    BacklogScan,
    Spread,
    requeue_leads,
    scan_all,
    scan_running,
)
from routing.dispatch.mirror import NewerMode, drop_others, read_versions
from routing.dispatch.modes import count_others
from routing.dispatch.schedule import Due
from routing.dispatch.sweep import Sweep
from routing.models import DispatchMode, Workspace
from routing.queries import read_clock, read_due_times
from tracing.reconciling import Counts, in_batches, name_rows

# Younger leads may still be on their way from the process that took them in.
LEAST_AGE: Final = timedelta(seconds=2)
# Ten runs look at a lead before it is due: some may be late, cut short or left out.
SOON: Final = timedelta(minutes=10)
# Of the others a run looks at so many in each mode.
LEADS_A_SWEEP: Final = 10_000

Find = Callable[[Sequence[Due]], set[int]]
Repair = Callable[[Sequence[Due]], None]


def run(*, fix: bool, limit: int) -> Counts:
    look = _look_at_a_part if fix else _look_at_all
    put_lost = partial(_requeue, spread=Spread(randbits(32)))
    counts = look(DispatchMode.EVENT, _Step(schedule.find_lost, put_lost, fix), limit)
    counts += look(
        DispatchMode.SHADOW, _Step(shadow.find_missing, _write_shadow, fix), limit - counts.checked
    )
    return counts + _leftovers(fix=fix)


@dataclass(frozen=True, slots=True)
class _Step:
    """What becomes of a page of leads."""

    find: Find
    repair: Repair
    fix: bool

    def take(self, leads: Sequence[Due]) -> Counts:
        lost = _confirm(leads, self.find(leads))
        if self.fix and lost:
            self.repair(lost)
        repaired = len(lost) if self.fix else 0
        named = name_rows("lead", (each.lead_id for each in lost))
        return Counts(checked=len(leads), repaired=repaired, skipped=len(lost) - repaired, named=named)


def _look_at_all(mode: DispatchMode, step: _Step, limit: int) -> Counts:
    return _sweep(scan_all(mode), step, limit=limit)


def _look_at_a_part(mode: DispatchMode, step: _Step, limit: int) -> Counts:
    soon = read_clock() + SOON
    counts = _sweep(scan_running(mode), step, limit=limit, until=soon)
    rest = Sweep(mode, soon=soon, least_age=LEAST_AGE)
    counts += _scan_sweep(rest, step, limit=min(LEADS_A_SWEEP, limit - counts.checked))
    rest.save_position()
    return counts


def _sweep(scan: BacklogScan, step: _Step, *, limit: int, until: datetime = ANY_TIME) -> Counts:
    def take(_: BacklogScan | None, count: int) -> tuple[Counts, BacklogScan | None]:
        counts = step.take(scan.read_page(count=count, until=until, least_age=LEAST_AGE))
        return counts, None if scan.is_finished else scan

    return in_batches(take, limit=limit, size=LEADS_A_PAGE)


def _scan_sweep(rest: Sweep, step: _Step, *, limit: int) -> Counts:
    def take(_: Sweep | None, count: int) -> tuple[Counts, Sweep | None]:
        counts = step.take(rest.read_page(count=count))
        return counts, None if rest.is_finished else rest

    return in_batches(take, limit=limit, size=LEADS_A_PAGE)


def _confirm(leads: Sequence[Due], lost_ids: set[int]) -> list[Due]:
    """Leave out leads that came to their end, or got another time, after their page was read."""
    if not lost_ids:
        return []
    now = {each.lead_id: each.due_at for each in read_due_times(list(lost_ids))}
    return [lead for lead in leads if lead.lead_id in lost_ids and now.get(lead.lead_id) == lead.due_at]


def _leftovers(*, fix: bool) -> Counts:
    """Drop what workspaces that are not event-driven have in the schedule, and what no lead waits for in the shadow."""
    total, before = Counts(), read_versions("mode")
    others = Workspace.objects.exclude(dispatch_mode=DispatchMode.EVENT)
    for workspace_id, mode, version in others.values_list("pk", "dispatch_mode", "switch_version"):
        if fix:
            found = _drop_others(workspace_id, mode=mode, version=version, before=before)
        else:
            found = count_others(workspace_id, mode=mode)
        if fix and mode == DispatchMode.SHADOW:
            found += shadow.take_extra(workspace_id)
        named = name_rows("leftovers of workspace", [workspace_id] if found else ())
        total += Counts(found, found if fix else 0, 0 if fix else found, named)
    return total


def _drop_others(workspace_id: int, *, mode: str, version: int, before: Mapping[int | None, int]) -> int:
    """Its mode may have changed since it was read: then nothing is dropped."""
    try:
        return drop_others(workspace_id, mode=mode, version=version, before=before)
    except NewerMode:
        return 0


def _requeue(leads: Sequence[Due], *, spread: Spread) -> None:
    requeue_leads(leads, spread=spread, at=read_clock())


def _write_shadow(leads: Sequence[Due]) -> None:
    metrics.SHADOW_COMPARED.labels(result="missing").inc(len(leads))
    shadow.write({(lead.lead_id, lead.workspace_id): lead.due_at for lead in leads})

"""Requeues pending leads that are neither in the schedule nor in flight, or in the schedule at a wrong time.

`routing_lead.next_attempt_at` decides. The shadow index of workspaces in shadow mode is corrected in the same way, and
leftovers of an earlier mode of a workspace are dropped.

Each repair checks the leads that are due within SOON, several runs ahead, and sweeps over a part of the rest: leads
that wait for longer, and leads of paused workspaces. A report checks everything.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from secrets import randbits
from typing import Final

from django.conf import settings

from routing.dispatch import schedule, shadow
from routing.dispatch.backlog import (
    ANY_TIME,
    LEADS_PER_PAGE,
    BacklogScan,
    requeue_leads,
    scan_all,
    scan_running,
)
from routing.dispatch.mirror import NewerMode, drop_others, read_versions
from routing.dispatch.modes import count_others
from routing.dispatch.schedule import Due
from routing.dispatch.spread import Spread
from routing.dispatch.sweep import Sweep
from routing.metrics.dispatch import SHADOW_COMPARED
from routing.models import DispatchMode, Workspace
from routing.queries import read_clock, read_due_times
from tracing.reconciling import Counts, in_batches, name_rows

# Younger leads may still be on their way from the process that stored them.
MIN_AGE: Final = timedelta(seconds=2)
# No setting: ten runs at the default period, and two at the longest, check a lead before it is due. Some may be late,
# cut short or skipped.
SOON: Final = timedelta(minutes=10)

Find = Callable[[Sequence[Due]], set[int]]
Repair = Callable[[Sequence[Due]], None]


def run(*, fix: bool, limit: int) -> Counts:
    check = _check_part if fix else _check_all
    put_lost = partial(_requeue, spread=Spread(randbits(32)))
    counts = check(DispatchMode.EVENT, _Step(schedule.find_lost, put_lost, fix), limit)
    counts += check(
        DispatchMode.SHADOW, _Step(shadow.find_missing, _write_shadow, fix), limit - counts.checked
    )
    return counts + _leftovers(fix=fix)


@dataclass(frozen=True, slots=True)
class _Step:
    """What is done with a page of leads."""

    find: Find
    repair: Repair
    fix: bool

    def apply(self, leads: Sequence[Due]) -> Counts:
        lost = _confirm(leads, self.find(leads))
        if self.fix and lost:
            self.repair(lost)
        repaired = len(lost) if self.fix else 0
        named = name_rows("lead", (each.lead_id for each in lost))
        return Counts(checked=len(leads), repaired=repaired, skipped=len(lost) - repaired, named=named)


def _check_all(mode: DispatchMode, step: _Step, limit: int) -> Counts:
    return _scan(scan_all(mode), step, limit=limit)


def _check_part(mode: DispatchMode, step: _Step, limit: int) -> Counts:
    soon = read_clock() + SOON
    counts = _scan(scan_running(mode), step, limit=limit, until=soon)
    rest = Sweep(mode, soon=soon, least_age=MIN_AGE)
    counts += _scan_sweep(
        rest, step, limit=min(settings.LEADSWITCH_TUNING.sweep_leads, limit - counts.checked)
    )
    rest.save_position()
    return counts


def _scan(scan: BacklogScan, step: _Step, *, limit: int, until: datetime = ANY_TIME) -> Counts:
    def step_of(_: BacklogScan | None, count: int) -> tuple[Counts, BacklogScan | None]:
        counts = step.apply(scan.read_page(count=count, until=until, least_age=MIN_AGE))
        return counts, None if scan.is_finished else scan

    return in_batches(step_of, limit=limit, size=LEADS_PER_PAGE)


def _scan_sweep(rest: Sweep, step: _Step, *, limit: int) -> Counts:
    def step_of(_: Sweep | None, count: int) -> tuple[Counts, Sweep | None]:
        counts = step.apply(rest.read_page(count=count))
        return counts, None if rest.is_finished else rest

    return in_batches(step_of, limit=limit, size=LEADS_PER_PAGE)


def _confirm(leads: Sequence[Due], lost_ids: set[int]) -> list[Due]:
    """Leave out leads that finished, or got another due time, after their page was read."""
    if not lost_ids:
        return []
    now = {each.lead_id: each.due_at for each in read_due_times(list(lost_ids))}
    return [lead for lead in leads if lead.lead_id in lost_ids and now.get(lead.lead_id) == lead.due_at]


def _leftovers(*, fix: bool) -> Counts:
    """Drop schedule entries of workspaces in other modes, and shadow entries that no lead waits for."""
    total, before = Counts(), read_versions("mode")
    others = Workspace.objects.exclude(dispatch_mode=DispatchMode.EVENT)
    for workspace_id, mode, version in others.values_list("pk", "dispatch_mode", "switch_version"):
        if fix:
            found = _drop_others(workspace_id, mode=mode, version=version, before=before)
        else:
            found = count_others(workspace_id, mode=mode)
        if fix and mode == DispatchMode.SHADOW:
            found += shadow.remove_extra(workspace_id)
        named = name_rows("leftovers of workspace", [workspace_id] if found else ())
        total += Counts(found, found if fix else 0, 0 if fix else found, named)
    return total


def _drop_others(workspace_id: int, *, mode: str, version: int, before: Mapping[int | None, int]) -> int:
    """Drops nothing if the mode has changed since it was read."""
    try:
        return drop_others(workspace_id, mode=mode, version=version, before=before)
    except NewerMode:
        return 0


def _requeue(leads: Sequence[Due], *, spread: Spread) -> None:
    requeue_leads(leads, spread=spread, at=read_clock())


def _write_shadow(leads: Sequence[Due]) -> None:
    SHADOW_COMPARED.labels(result="missing").inc(len(leads))
    shadow.write({(lead.lead_id, lead.workspace_id): lead.due_at for lead in leads})

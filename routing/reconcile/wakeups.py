"""Makes leads due that a change of their cause concerns and did not wake itself.

A change makes its first leads due in its own transaction. This run wakes the others and those that were in progress
then, and enqueues all of them.
"""

from collections import deque
from collections.abc import Sequence
from math import ceil

from django.conf import settings

from routing.dispatch import wakeups
from tracing.reconciling import MOST_NAMED, Counts, name_rows


def run(*, fix: bool, limit: int) -> Counts:
    if not fix:
        number, leads = wakeups.count_open()
        named = name_rows("change", (change for change, _ in wakeups.list_open(limit=MOST_NAMED)))
        return Counts(checked=number, skipped=leads, named=named)
    wakeups.follow_settings()
    changes = wakeups.list_open(limit=settings.LEADSWITCH_TUNING.wakeup_changes)
    woken = _wake(changes, most=min(limit, wakeups.leads_a_run()))
    wakeups.forget_old()
    named = name_rows("change", (change for change, _ in changes) if woken else ())
    return Counts(checked=len(changes), repaired=woken, named=named)


def _wake(changes: Sequence[tuple[int, int]], *, most: int) -> int:
    """In rounds, a batch for each workspace: a change with many leads does not delay other workspaces."""
    waiting: dict[int, deque[int]] = {}
    for change, workspace_id in changes:
        waiting.setdefault(workspace_id, deque()).append(change)
    placed, woken = dict.fromkeys(waiting, 0), 0
    while waiting and woken < most:
        part = min(settings.LEADSWITCH_TUNING.wakeup_batch_leads, ceil((most - woken) / len(waiting)))
        for workspace_id in list(waiting):
            size = min(part, most - woken)
            if size == 0:
                break
            found = wakeups.wake_batch(waiting[workspace_id][0], count=size, placed=placed[workspace_id])
            placed[workspace_id] += found
            woken += found
            if found < size:
                waiting[workspace_id].popleft()
            if not waiting[workspace_id]:
                del waiting[workspace_id]
    return woken

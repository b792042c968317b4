"""Leads that a change of their cause should have tried again, and that the change itself did not reach.

A change makes the first leads due by itself; the others, those that somebody worked on at that moment, and the
schedule in Redis are left to this run.
"""

from typing import Final

from routing import wakeups
from tracing.reconciling import MOST_NAMED, Counts, name_rows

MOST_CHANGES: Final = 1_000


def run(*, fix: bool, limit: int) -> Counts:
    if not fix:
        number, leads = wakeups.count_open()
        named = name_rows("change", wakeups.list_open(limit=MOST_NAMED))
        return Counts(checked=number, skipped=leads, named=named)
    wakeups.follow_setting()
    most = min(limit, wakeups.LEADS_A_RUN)
    changes = wakeups.list_open(limit=MOST_CHANGES)
    woken = 0
    for change in changes:
        woken += _wake(change, placed=woken, most=most)
    wakeups.forget_old()
    return Counts(checked=len(changes), repaired=woken, named=name_rows("change", changes if woken else ()))


def _wake(change: int, *, placed: int, most: int) -> int:
    woken = 0
    while placed + woken < most:
        size = min(wakeups.LEADS_A_BATCH, most - placed - woken)
        found = wakeups.wake_batch(change, count=size, placed=placed + woken)
        woken += found
        if found < size:
            break
    return woken

"""Counts new attempts into their hours, and recounts hours to find rows that differ.

With repair, a run counts what is queued and then recounts one hour of the last month, the next one with each run. A
report counts nothing: it recounts the last two days.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from tracing.models import RollupState
from tracing.reconciling import LONGEST_RUN_SECONDS, Counts, in_batches
from tracing.rollups.counting import HOUR, compare_hour, count_batch, lock_state, repair_hour

ATTEMPTS_PER_BATCH: Final = 5_000
REPORTED: Final = timedelta(days=2)
RECOUNTED: Final = timedelta(days=31)


def run(*, fix: bool, limit: int) -> Counts:
    """Checks at least one hour, whatever the limit: an hour is recounted as a whole."""
    at = timezone.now()
    if not fix:
        return _report(at, limit=limit)
    counted = in_batches(_count, limit=limit, size=ATTEMPTS_PER_BATCH)
    return counted + _recount_next(at)


def _count(_: int | None, size: int) -> tuple[Counts, int | None]:
    counted, has_more = count_batch(size)
    return Counts(checked=counted), counted if has_more else None


def _recount_next(at: datetime) -> Counts:
    with transaction.atomic(durable=True):
        state = lock_state()
        hour = _next_hour(state.recounted_to, at=at)
        read, differing = compare_hour(hour, state)
        if differing:
            repair_hour(hour, state)
        state.recounted_to = hour
        state.save(update_fields=["recounted_to"])
    named = (_name(hour),) if differing else ()
    return Counts(checked=read, repaired=int(bool(differing)), named=named)


def _next_hour(last: datetime | None, *, at: datetime) -> datetime:
    """The hour after the last one, or the oldest again."""
    newest, oldest = _floor(at), _floor(at - RECOUNTED)
    return oldest if last is None or last >= newest or last < oldest else last + HOUR


def _report(at: datetime, *, limit: int) -> Counts:
    state = RollupState.objects.first()
    deadline = time.monotonic() + LONGEST_RUN_SECONDS
    total = Counts()
    for hour in _hours_back(at):
        read, differing = compare_hour(hour, state)
        named = (_name(hour),) if differing else ()
        total += Counts(checked=read, skipped=int(bool(differing)), named=named)
        if total.checked >= limit or time.monotonic() > deadline:
            break
    return total


def _hours_back(at: datetime) -> Iterator[datetime]:
    hour, oldest = _floor(at), at - REPORTED
    while hour > oldest:
        yield hour
        hour -= HOUR


def _floor(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _name(hour: datetime) -> str:
    return f"hour {hour:%Y-%m-%dT%H}"

"""Counts attempts that are in no hour yet, in batches that each commit by themselves.

First the attempts from before the first count (history), then the queue. The queue waits until the history is counted:
an attempt that is in the queue is not part of the history.
"""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from tracing.models import (
    AttemptDay,
    AttemptHour,
    AttemptHourTotal,
    RollupState,
    WorkspaceDay,
    WorkspaceHour,
)
from tracing.rollups.statements import (
    COMPARE_DAY,
    COMPARE_HOUR,
    COUNT_HISTORY,
    COUNT_QUEUED,
    RECOUNT_DAY,
    RECOUNT_HOUR,
)

FIRST: Final = UUID(int=0)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)


def lock_state() -> RollupState:
    """Return the state, locked to the end of the transaction: two runs never count at once."""
    RollupState.objects.bulk_create([RollupState()], ignore_conflicts=True)
    return RollupState.objects.select_for_update().get(pk=1)


def count_batch(size: int) -> tuple[int, bool]:
    """Count up to `size` attempts in one transaction. Returns how many, and whether more may be left."""
    with transaction.atomic(durable=True):
        state = lock_state()
        return _count_queued(size) if state.is_history_counted else _count_history(state, size)


def _count_queued(size: int) -> tuple[int, bool]:
    with connection.cursor() as cursor:
        cursor.execute(COUNT_QUEUED, [size])
        counted: int = cursor.fetchone()[0]
    return counted, counted == size


def _count_history(state: RollupState, size: int) -> tuple[int, bool]:
    with connection.cursor() as cursor:
        cursor.execute(COUNT_HISTORY, [state.counted_to or FIRST, size])
        counted, read, last = cursor.fetchone()
    state.counted_to, state.is_history_counted = last or state.counted_to, read < size
    state.save(update_fields=["counted_to", "is_history_counted"])
    return counted, True


def compare_hour(hour: datetime, state: RollupState | None) -> tuple[int, int]:
    """Recount one hour from its attempts. With the first hour of a day, also add up the hours of the day.

    Returns the attempts read, and how many stored rows differ.
    """
    with connection.cursor() as cursor:
        cursor.execute(COMPARE_HOUR, _of_hour(hour, state))
        read, differing = cursor.fetchone()
        if hour == _day_of(hour)["day"]:
            cursor.execute(COMPARE_DAY, _day_of(hour))
            differing += cursor.fetchone()[0]
    return read, differing


def repair_hour(hour: datetime, state: RollupState) -> None:
    """Replace the rows of the hour and of its day. Needs the transaction that holds the state's lock."""
    day = _day_of(hour)
    for hours in (AttemptHour, AttemptHourTotal, WorkspaceHour):
        hours.objects.filter(hour=hour).delete()
    for days in (AttemptDay, WorkspaceDay):
        days.objects.filter(hour=day["day"]).delete()
    with connection.cursor() as cursor:
        cursor.execute(RECOUNT_HOUR, _of_hour(hour, state))
        for recount in RECOUNT_DAY:
            cursor.execute(recount, day)


def _day_of(hour: datetime) -> dict[str, datetime]:
    day = hour.astimezone(UTC).replace(hour=0)
    return {"day": day, "next_day": day + DAY}


def _of_hour(hour: datetime, state: RollupState | None) -> dict[str, datetime | UUID | None]:
    """Until the history is counted, later attempts belong to no hour yet."""
    is_counted = state is not None and state.is_history_counted
    counted_to = None if is_counted else (state and state.counted_to) or FIRST
    return {"hour": hour, "end": hour + HOUR, "counted_to": counted_to}

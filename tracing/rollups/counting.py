"""Counts attempts that are in no hour yet, in batches that each commit by themselves.

First the attempts from before the first count (history), then the queue. The queue waits until the history is counted:
an attempt that is in the queue is not part of the history.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from tracing.models import AttemptHour, AttemptHourTotal, RollupState
from tracing.rollups.statements import COMPARE_HOUR, COUNT_HISTORY, COUNT_QUEUED, RECOUNT_HOUR

FIRST: Final = UUID(int=0)
HOUR: Final = timedelta(hours=1)


def lock_state() -> RollupState:
    """Return the state, locked to the end of the transaction: two runs never count at once."""
    RollupState.objects.bulk_create([RollupState()], ignore_conflicts=True)
    return RollupState.objects.select_for_update().get()


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
    """Recount one hour from its attempts. Returns the attempts read, and how many stored rows differ."""
    with connection.cursor() as cursor:
        cursor.execute(COMPARE_HOUR, _of_hour(hour, state))
        read, differing = cursor.fetchone()
    return read, differing


def repair_hour(hour: datetime, state: RollupState) -> None:
    """Replace the hour's rows. Needs the transaction that holds the state's lock."""
    AttemptHour.objects.filter(hour=hour).delete()
    AttemptHourTotal.objects.filter(hour=hour).delete()
    with connection.cursor() as cursor:
        cursor.execute(RECOUNT_HOUR, _of_hour(hour, state))


def _of_hour(hour: datetime, state: RollupState | None) -> dict[str, datetime | UUID | None]:
    """Until the history is counted, later attempts belong to no hour yet."""
    is_counted = state is not None and state.is_history_counted
    counted_to = None if is_counted else (state and state.counted_to) or FIRST
    return {"hour": hour, "end": hour + HOUR, "counted_to": counted_to}

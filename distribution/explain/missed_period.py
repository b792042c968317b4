"""Turns a period into a range of a buyer's rows, so that a list of it reads nothing beyond. Reads only.

Their index is by id. Ids follow the order of inserts, and a row's time is the start of its transaction, so both
grow together but for a few seconds.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from django.db import connection

from tracing.vocabulary import Event

# By far longer than any attempt, and than servers' clocks differ.
APART: Final = timedelta(hours=1)
FIRST_ID: Final = 0
LAST_ID: Final = 2**63 - 1


class Timeline(Enum):
    """The rows of one list of a buyer, by id."""

    SKIPS = f"""
    FROM tracing_leaddistributionevent e WHERE e.event = '{Event.BUYER_SKIPPED}' AND e.buyer_id = %(buyer)s
    """
    PLACES = "FROM distribution_offerbuyer e WHERE e.buyer_id = %(buyer)s"

    @property
    def ends(self) -> str:
        return f"""
        SELECT (SELECT e.id {self.value} ORDER BY e.id LIMIT 1), (SELECT e.id {self.value} ORDER BY e.id DESC LIMIT 1)
        """

    @property
    def next(self) -> str:
        return f"SELECT e.id, e.created_at {self.value} AND e.id >= %(id)s ORDER BY e.id LIMIT 1"


@dataclass(frozen=True, slots=True)
class MissedPeriod:
    """From `starts_at` on and before `ends_at`, by the time of the decision. None: no bound."""

    starts_at: datetime | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MissedFilter:
    """Which missed leads a list has. `reason` None: all but those in `exclude`."""

    reason: str | None = None
    exclude: tuple[str, ...] = ()
    period: MissedPeriod = MissedPeriod()


EVERY: Final = MissedFilter()


@dataclass(frozen=True, slots=True)
class IdRange:
    """Contains every row of the period, and few others: `first` is included, `after` is not."""

    first: int = FIRST_ID
    after: int = LAST_ID


def find_range(buyer_id: int, period: MissedPeriod, *, timeline: Timeline = Timeline.SKIPS) -> IdRange:
    """About forty lookups in the index for each bound."""
    first, after = FIRST_ID, LAST_ID
    if period.starts_at is not None:
        first = _find_first(timeline, buyer_id, at=period.starts_at - APART)
    if period.ends_at is not None:
        after = _find_first(timeline, buyer_id, at=period.ends_at + APART)
    return IdRange(first, after)


def _find_first(timeline: Timeline, buyer_id: int, *, at: datetime) -> int:
    """The first row at or after `at`, by halving the range of ids; LAST_ID if there is none."""
    lowest, highest = _read_ends(timeline, buyer_id)
    found = LAST_ID
    while lowest is not None and highest is not None and lowest <= highest:
        middle = (lowest + highest) // 2
        row_id, created_at = _read_next(timeline, buyer_id, middle)
        if created_at >= at:
            found, highest = row_id, middle - 1
        else:
            lowest = row_id + 1
    return found


def _read_ends(timeline: Timeline, buyer_id: int) -> tuple[int | None, int | None]:
    with connection.cursor() as cursor:
        cursor.execute(timeline.ends, {"buyer": buyer_id})
        ends: tuple[int | None, int | None] = cursor.fetchone()
    return ends


def _read_next(timeline: Timeline, buyer_id: int, row_id: int) -> tuple[int, datetime]:
    """There is one: no id beyond the last row is asked for."""
    with connection.cursor() as cursor:
        cursor.execute(timeline.next, {"buyer": buyer_id, "id": row_id})
        found: tuple[int, datetime] = cursor.fetchone()
    return found

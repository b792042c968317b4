"""The windows that caps and budgets count in: hour, day, ISO week and month of a local time zone. Pure.

The windows of each kind never overlap and leave no gaps, even when the clocks change. A local hour that the clocks
repeat is two windows; a day on which they change has 23 or 25 hours.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from routing.calendar.zones import find_offset_change, get_offset, load_zone, start_of_day

WindowKind = Literal["hour", "day", "week", "month"]
WINDOW_KINDS: tuple[WindowKind, ...] = ("hour", "day", "week", "month")
HOUR = timedelta(hours=1)


def window_start(kind: WindowKind, at: datetime, tz: ZoneInfo | str) -> datetime:
    """The first instant, in UTC, of the window that contains `at`."""
    return get_window(kind, at=at, tz=tz)[0]


def get_window(kind: WindowKind, *, at: datetime, tz: ZoneInfo | str) -> tuple[datetime, datetime]:
    """Start and end of the window that contains `at`, in UTC: the first instant in it, and the first after it."""
    zone = load_zone(tz) if isinstance(tz, str) else tz
    local = at.astimezone(zone)
    if kind == "hour":
        return _get_hour(local, zone=zone)
    first = _first_date(kind, local.date())
    start, end = (start_of_day(day, zone=zone) for day in (first, _next_first_date(kind, first)))
    # Clocks set back across midnight show the old date again: those minutes belong to the new window.
    if end <= at:
        first = _next_first_date(kind, first)
        start, end = end, start_of_day(_next_first_date(kind, first), zone=zone)
    return start, end


def _get_hour(local: datetime, *, zone: ZoneInfo) -> tuple[datetime, datetime]:
    at = local.astimezone(UTC)
    start = at - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    end = start + HOUR
    if get_offset(start, zone=zone) != get_offset(end, zone=zone):
        change = find_offset_change(start, end, zone=zone) or end
        return (change, end) if change <= at else (start, change)
    return start, end


def _first_date(kind: WindowKind, day: date) -> date:
    if kind == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if kind == "month" else day


def _next_first_date(kind: WindowKind, first: date) -> date:
    if kind == "month":
        return (first + timedelta(days=31)).replace(day=1)
    return first + timedelta(days=7 if kind == "week" else 1)

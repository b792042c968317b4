"""The oracle's opening hours and cap windows, found by walking the clock in five-minute steps."""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

STEP = timedelta(minutes=5)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def freeze(hours: dict[str, Any]) -> tuple[Any, ...]:
    return tuple((day, tuple(map(tuple, spans))) for day, spans in hours.items())


def is_open(hours: tuple[Any, ...], timezone: str, at: datetime) -> bool:
    if not hours:
        return True
    local = at.astimezone(ZoneInfo(timezone))
    clock = f"{local.hour:02}:{local.minute:02}"
    return any(start <= clock < end for start, end in dict(hours).get(DAYS[local.weekday()], ()))


@lru_cache(maxsize=20_000)
def first_open(calendars: tuple[tuple[Any, str], ...], at: datetime) -> datetime | None:
    moment = at
    while moment <= at + timedelta(days=15):
        if all(is_open(hours, timezone, moment) for hours, timezone in calendars):
            return moment
        moment = _grid(moment) + STEP
    return None


def _grid(at: datetime) -> datetime:
    return at.replace(minute=at.minute // 5 * 5, second=0, microsecond=0)


@lru_cache(maxsize=20_000)
def window(kind: str, at: datetime, timezone: str) -> tuple[datetime, datetime]:
    label = _label(kind, at, timezone)
    start = end = _grid(at)
    while _label(kind, start - STEP, timezone) == label:
        start -= STEP
    while _label(kind, end, timezone) == label:
        end += STEP
    return start, end


def _label(kind: str, at: datetime, timezone: str) -> Any:
    local = at.astimezone(ZoneInfo(timezone))
    return {
        "hour": (local.date(), local.hour, local.utcoffset()),
        "day": local.date(),
        "week": local.isocalendar()[:2],
        "month": (local.year, local.month),
    }[kind]

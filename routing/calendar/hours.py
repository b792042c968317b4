"""Weekly opening hours in a local time zone, and the names of windows.py. Pure; reads no clock.

Opening hours follow the local clock: hours that it skips do not occur, and hours that it repeats occur twice.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from routing.calendar.windows import WINDOW_KINDS, WindowKind, window_start
from routing.calendar.zones import UnknownTimezone, find_offset_change, load_zone
from tracing import wording

WEEKDAYS = tuple(wording.WEEKDAYS)
MINUTES_PER_DAY = 24 * 60
MINUTES_PER_WEEK = 7 * MINUTES_PER_DAY
CLOCK_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00")
MAX_INTERVALS_PER_DAY = 24
MINUTE = timedelta(minutes=1)

Problem = tuple[str, str]  # path, message
Definition = Mapping[str, Sequence[Sequence[str]]]


class HoursError(ValueError):
    """The definition is malformed. `problems` are (path, message) pairs with paths like mon[0]."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(f"{path}: {message}" if path else message for path, message in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Hours:
    """Compiled opening hours: sorted, disjoint [start, end) intervals in minutes since Monday 00:00 local."""

    zone: ZoneInfo
    always_open: bool
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def is_open(self, at: datetime) -> bool:
        return self.always_open or self._is_open_on_wall(at.astimezone(self.zone))

    def next_open(self, at: datetime) -> datetime | None:
        """The first instant >= `at`, in UTC, that is open; None if it is never open."""
        moment = at.astimezone(UTC)
        if self.always_open:
            return moment
        if not self.starts:
            return None
        while True:  # each round passes one offset change, or returns
            wall = moment.astimezone(self.zone)
            candidate = moment + self._wait_on_wall(wall)
            change = find_offset_change(moment, candidate, zone=self.zone)
            if change is None:
                return candidate
            moment = change

    def list_open_minutes(self, day: date) -> list[tuple[int, int]]:
        """The open minutes [start, end) of a local date, of 0 to 1440."""
        if self.always_open:
            return [(0, MINUTES_PER_DAY)]
        midnight = day.weekday() * MINUTES_PER_DAY
        both = zip(self.starts, self.ends, strict=True)
        return [
            (start - midnight, end - midnight)
            for start, end in both
            if 0 <= start - midnight < MINUTES_PER_DAY
        ]

    def _is_open_on_wall(self, wall: datetime) -> bool:
        minute = _minute_of_week(wall)
        index = bisect_right(self.starts, minute) - 1
        return index >= 0 and minute < self.ends[index]

    def _wait_on_wall(self, wall: datetime) -> timedelta:
        """The time until it opens if the UTC offset does not change."""
        if self._is_open_on_wall(wall):
            return timedelta(0)
        minute = _minute_of_week(wall)
        index = bisect_right(self.starts, minute)
        start = self.starts[index] if index < len(self.starts) else self.starts[0] + MINUTES_PER_WEEK
        return (start - minute) * MINUTE - timedelta(seconds=wall.second, microseconds=wall.microsecond)


def _minute_of_week(wall: datetime) -> int:
    return wall.weekday() * MINUTES_PER_DAY + wall.hour * 60 + wall.minute


def validate_hours(definition: object) -> None:
    """Raise HoursError with every problem."""
    problems = list(_find_problems(definition))
    if problems:
        raise HoursError(problems)


def compile_hours(definition: Definition | None, tz_name: str) -> Hours:
    """`definition` is {"mon": [["09:00", "17:00"]], ...}; a missing day is closed; {} means always open."""
    validate_hours(definition)
    try:
        zone = load_zone(tz_name)
    except UnknownTimezone as error:
        raise HoursError([("timezone", str(error))]) from None
    intervals = sorted(_list_week_intervals(definition or {}))
    return Hours(
        zone=zone,
        always_open=not definition,
        starts=tuple(start for start, _ in intervals),
        ends=tuple(end for _, end in intervals),
    )


def _list_week_intervals(definition: Definition) -> Iterator[tuple[int, int]]:
    for day, intervals in definition.items():
        offset = WEEKDAYS.index(day) * MINUTES_PER_DAY
        for start, end in intervals:
            yield offset + _parse_minute(start), offset + _parse_minute(end)


def _parse_minute(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


def _find_problems(definition: object) -> Iterator[Problem]:
    if definition is None:
        return
    if not isinstance(definition, dict):
        yield "", 'must be an object like {"mon": [["09:00", "17:00"]]}; {} means always open'
        return
    for day, intervals in definition.items():
        if day not in WEEKDAYS:
            yield str(day)[:20], f"unknown day: use one of {', '.join(WEEKDAYS)}"
        elif not isinstance(intervals, list):
            yield day, 'must be a list like [["09:00", "17:00"]]; [] means closed all day'
        elif len(intervals) > MAX_INTERVALS_PER_DAY:
            yield day, f"has more than {MAX_INTERVALS_PER_DAY} intervals: combine some of them"
        else:
            yield from _find_day_problems(day, intervals)


def _find_day_problems(day: str, intervals: list[Any]) -> Iterator[Problem]:
    parsed: list[tuple[int, int, int]] = []
    for index, interval in enumerate(intervals):
        if problem := _find_interval_problem(interval):
            yield f"{day}[{index}]", problem
        else:
            start, end = interval
            parsed.append((_parse_minute(start), _parse_minute(end), index))
    for (_, end, first), (start, _, second) in pairwise(sorted(parsed)):
        if start < end:
            yield f"{day}[{second}]", f"overlaps {day}[{first}]: merge the two or move one"


def _find_interval_problem(interval: object) -> str | None:
    if not isinstance(interval, list) or len(interval) != 2:
        return 'must be a start and an end, like ["09:00", "17:00"]'
    start, end = interval
    for text in (start, end):
        if not isinstance(text, str) or not CLOCK_TIME.fullmatch(text):
            return "write times as HH:MM, from 00:00 to 24:00"
    if start >= end:
        return 'the start must be before the end: split hours that cross midnight ("22:00" to "24:00", "00:00" to ...)'
    return None


__all__ = [
    "WEEKDAYS",
    "WINDOW_KINDS",
    "Hours",
    "HoursError",
    "WindowKind",
    "compile_hours",
    "validate_hours",
    "window_start",
]

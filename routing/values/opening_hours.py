"""When a workspace is open: weekly hours in its time zone, with validators and descriptions. Reads no clock."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final

from django.core.exceptions import ValidationError

from routing.calendar.hours import Hours, HoursError, compile_hours, validate_hours
from routing.values.canonical import LiteralError, read_timezone
from tracing.wording import WEEKDAYS, opening

KEPT: Final = 1_000


def check_hours(value: object) -> None:
    """Raise ValidationError naming the path of every problem, e.g. `mon[0]: …`."""
    try:
        validate_hours(value)
    except HoursError as error:
        lines = [f"{path}: {message}" if path else message for path, message in error.problems]
        raise ValidationError(lines) from None


def check_timezone(value: str) -> None:
    """Raise ValidationError unless it is a place's time zone. Abbreviations like EST have no daylight saving time."""
    try:
        name = read_timezone(value)
    except LiteralError as error:
        raise ValidationError(str(error)) from None
    if name != value:
        raise ValidationError(f"Write {value!r} as {name}.")


def is_open(hours: str, *, timezone: str, at: datetime) -> bool:
    """`hours` is the column's text; {} means always open."""
    return _compile(hours, timezone).is_open(at)


def next_opening(hours: str, *, timezone: str, at: datetime) -> datetime | None:
    """Return the first instant >= `at` that is open; None if it is never open."""
    return _compile(hours, timezone).next_open(at)


def describe_hours(hours: Mapping[str, Sequence[Sequence[str]]] | None) -> str:
    """A day without hours is closed; no days at all means always open."""
    if not hours:
        return "always open"
    open_days = [f"{name} {opening(hours[day])}" for day, name in WEEKDAYS.items() if hours.get(day)]
    if not open_days:
        return "never open"
    closed = [name for day, name in WEEKDAYS.items() if not hours.get(day)]
    return f"open {', '.join(open_days)}" + (f"; closed {', '.join(closed)}" if closed else "")


@lru_cache(KEPT)
def _compile(hours: str, timezone: str) -> Hours:
    return compile_hours(json.loads(hours), timezone)

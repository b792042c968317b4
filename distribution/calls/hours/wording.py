"""Calling hours in words: "Florida: 8 am to 8 pm; it is 8:12 pm there". Names the area, and nothing about the lead."""

from datetime import datetime
from typing import Final

from distribution.calls.hours.rules import MINUTES_PER_HOUR, Window, count_minutes, name_area

NOON: Final = 12


def describe_window(window: Window, *, local: datetime) -> str:
    """What the rules of the area say about a moment on its local clock."""
    area = name_area(window.country, state=window.state)
    closed_day = window.find_closed_day(local.date())
    clock = format_clock(count_minutes(local.time()), with_minutes=True)
    if closed_day == "Sunday":
        return f"{area}: no calls on Sunday; it is Sunday, {clock} there."
    if closed_day is not None:
        return f"{area}: no calls on holidays; it is {closed_day}, {clock} there."
    hours = f"{format_clock(window.opens)} to {format_clock(window.closes)}"
    rest = ", which leaves no time to ring" if window.is_open(local) else ""
    return f"{area}: {hours}; it is {clock} there{rest}."


def format_clock(minute_of_day: int, *, with_minutes: bool = False) -> str:
    """8 am, 8:30 pm, noon; 8:00 am with minutes."""
    hour, minute = divmod(minute_of_day, MINUTES_PER_HOUR)
    if minute_of_day == NOON * MINUTES_PER_HOUR and not with_minutes:
        return "noon"
    half = "am" if hour % 24 < NOON else "pm"
    minutes = f":{minute:02d}" if minute or with_minutes else ""
    return f"{hour % NOON or NOON}{minutes} {half}"

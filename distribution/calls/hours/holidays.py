"""Public holidays of the United States by local date, and those that single states add.

A holiday on a Saturday or Sunday closes two days: that day, and the Friday before or the Monday after, on which offices
observe it.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from functools import cache
from typing import Final

MONDAY, THURSDAY, SATURDAY, SUNDAY = 0, 3, 5, 6
DAY: Final = timedelta(days=1)
WEEK: Final = timedelta(days=7)


def find_holiday(day: date, *, state: str) -> str | None:
    """The name of the holiday on a local date: of the whole country, or one that this state adds."""
    return list_federal_holidays(day.year).get(day) or _list_of_state(day.year, state).get(day)


@cache
def list_federal_holidays(year: int) -> Mapping[date, str]:
    """The eleven legal holidays of 5 U.S.C. 6103 with the days on which they are observed."""
    # New Year's Day of the next year may be observed on December 31.
    fixed = {
        date(year, 1, 1): "New Year's Day",
        date(year, 6, 19): "Juneteenth",
        date(year, 7, 4): "Independence Day",
        date(year, 11, 11): "Veterans Day",
        date(year, 12, 25): "Christmas Day",
        date(year + 1, 1, 1): "New Year's Day",
    }
    moving = {
        _find_nth(year, 1, weekday=MONDAY, nth=3): "Martin Luther King Jr. Day",
        _find_nth(year, 2, weekday=MONDAY, nth=3): "Washington's Birthday",
        _find_last(year, 5, weekday=MONDAY): "Memorial Day",
        _find_nth(year, 9, weekday=MONDAY, nth=1): "Labor Day",
        _find_nth(year, 10, weekday=MONDAY, nth=2): "Columbus Day",
        _find_nth(year, 11, weekday=THURSDAY, nth=4): "Thanksgiving Day",
    }
    return {day: name for day, name in (*_observe(fixed), *moving.items()) if day.year == year}


@cache
def _list_of_state(year: int, state: str) -> Mapping[date, str]:
    list_days = _STATES.get(state)
    return {} if list_days is None else dict(_observe(list_days(year)))


def _observe(days: Mapping[date, str]) -> Iterator[tuple[date, str]]:
    for day, name in days.items():
        yield day, name
        if day.weekday() == SATURDAY:
            yield day - DAY, f"{name} (observed)"
        if day.weekday() == SUNDAY:
            yield day + DAY, f"{name} (observed)"


def _find_nth(year: int, month: int, *, weekday: int, nth: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7) + (nth - 1) * WEEK


def _find_last(year: int, month: int, *, weekday: int) -> date:
    fifth = _find_nth(year, month, weekday=weekday, nth=5)
    return fifth if fifth.month == month else fifth - WEEK


def _find_election_day(year: int) -> date:
    return _find_nth(year, 11, weekday=MONDAY, nth=1) + DAY


def find_easter(year: int) -> date:
    """Gregorian Easter by the anonymous algorithm of Meeus, Jones and Butcher."""
    century, in_century = divmod(year, 100)
    golden = year % 19
    shift = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - century // 4 - shift + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (in_century // 4) - epact - in_century % 4) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


# Ala. Code 1-3-8. Mardi Gras is a holiday in two counties; here in the whole state.
def _list_alabama(year: int) -> dict[date, str]:
    return {
        find_easter(year) - timedelta(days=47): "Mardi Gras",
        _find_nth(year, 4, weekday=MONDAY, nth=4): "Confederate Memorial Day",
        _find_nth(year, 6, weekday=MONDAY, nth=1): "Jefferson Davis' Birthday",
    }


# La. R.S. 1:55 (legis.la.gov). General Election Day, in even years: from the holidays that the Clerk of Civil District
# Court in New Orleans lists by that section, and from the package `holidays`. Read on November 30, 2026.
def _list_louisiana(year: int) -> dict[date, str]:
    election = {_find_election_day(year): "General Election Day"} if year % 2 == 0 else {}
    return election | {
        date(year, 1, 8): "Battle of New Orleans",
        date(year, 8, 30): "Huey P. Long Day",
        find_easter(year) - timedelta(days=47): "Mardi Gras",
        find_easter(year) - timedelta(days=2): "Good Friday",
        date(year, 11, 1): "All Saints' Day",
        _find_nth(year, 11, weekday=THURSDAY, nth=4) + DAY: "Acadian Day",
    }


# Miss. Code 3-3-7.
def _list_mississippi(year: int) -> dict[date, str]:
    return {_find_last(year, 4, weekday=MONDAY): "Confederate Memorial Day"}


# 44 P.S. 11. Flag Day: verifythis.com by the Department of Veterans Affairs, and 7 P.S. 113 (banks may close). Read on
# November 30, 2026.
def _list_pennsylvania(year: int) -> dict[date, str]:
    return {
        find_easter(year) - timedelta(days=2): "Good Friday",
        date(year, 6, 14): "Flag Day",
        _find_election_day(year): "Election Day",
    }


# R.I. Gen. Laws 25-1-1, read on November 30, 2026. Officers of the state are elected in even years.
def _list_rhode_island(year: int) -> dict[date, str]:
    election = {_find_election_day(year): "Election Day"} if year % 2 == 0 else {}
    return election | {
        date(year, 5, 4): "Rhode Island Independence Day",
        _find_nth(year, 8, weekday=MONDAY, nth=2): "Victory Day",
    }


# Utah Code 63G-1-301 as in force from May 6, 2026, read on November 30, 2026. It is superseded on January 1, 2027.
def _list_utah(year: int) -> dict[date, str]:
    return {
        find_easter(year) - timedelta(days=2): "Good Friday",
        _find_monday_of_juneteenth(year): "Juneteenth",
        date(year, 7, 24): "Pioneer Day",
    }


def _find_monday_of_juneteenth(year: int) -> date:
    """The Monday before a Tuesday to Friday, and the Monday after a Saturday or Sunday."""
    day = date(year, 6, 19)
    monday = day - timedelta(days=day.weekday())
    return monday + WEEK if day.weekday() in (SATURDAY, SUNDAY) else monday


_STATES: Final[Mapping[str, Callable[[int], dict[date, str]]]] = {
    "AL": _list_alabama,
    "LA": _list_louisiana,
    "MS": _list_mississippi,
    "PA": _list_pennsylvania,
    "RI": _list_rhode_island,
    "UT": _list_utah,
}

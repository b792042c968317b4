"""Holidays against a table that was written by hand from calendars of the Office of Personnel Management and states."""

from datetime import date

import pytest

from distribution.calls.hours.holidays import find_easter, find_holiday, list_federal_holidays

# Month and day of each holiday in the order of the year. "+": the day on which a holiday of a weekend is observed.
FEDERAL = {
    2024: "01-01 01-15 02-19 05-27 06-19 07-04 09-02 10-14 11-11 11-28 12-25",
    2025: "01-01 01-20 02-17 05-26 06-19 07-04 09-01 10-13 11-11 11-27 12-25",
    2026: "01-01 01-19 02-16 05-25 06-19 07-03+ 07-04 09-07 10-12 11-11 11-26 12-25",
    2027: "01-01 01-18 02-15 05-31 06-18+ 06-19 07-04 07-05+ 09-06 10-11 11-11 11-25 12-24+ 12-25 12-31+",
    2028: "01-01 01-17 02-21 05-29 06-19 07-04 09-04 10-09 11-10+ 11-11 11-23 12-25",
    2029: "01-01 01-15 02-19 05-28 06-19 07-04 09-03 10-08 11-11 11-12+ 11-22 12-25",
    2030: "01-01 01-21 02-18 05-27 06-19 07-04 09-02 10-14 11-11 11-28 12-25",
}
EASTER = {
    2024: (3, 31),
    2025: (4, 20),
    2026: (4, 5),
    2027: (3, 28),
    2028: (4, 16),
    2029: (4, 1),
    2030: (4, 21),
}
MARDI_GRAS = {
    2024: (2, 13),
    2025: (3, 4),
    2026: (2, 17),
    2027: (2, 9),
    2028: (2, 29),
    2029: (2, 13),
    2030: (3, 5),
}
GOOD_FRIDAY = {
    2024: (3, 29),
    2025: (4, 18),
    2026: (4, 3),
    2027: (3, 26),
    2028: (4, 14),
    2029: (3, 30),
    2030: (4, 19),
}
CONFEDERATE_MEMORIAL_DAY = {2024: 22, 2025: 28, 2026: 27, 2027: 26, 2028: 24, 2029: 23, 2030: 22}
JEFFERSON_DAVIS_BIRTHDAY = {2024: 3, 2025: 2, 2026: 1, 2027: 7, 2028: 5, 2029: 4, 2030: 3}


@pytest.mark.parametrize("year", FEDERAL)
def test_federal_holidays_are_those_of_the_table(year: int) -> None:
    found = list_federal_holidays(year)
    written = {date.fromisoformat(f"{year}-{text[:5]}"): text.endswith("+") for text in FEDERAL[year].split()}
    assert {day: name.endswith("(observed)") for day, name in found.items()} == written


def test_holidays_have_their_names() -> None:
    assert sorted(list_federal_holidays(2026).items()) == [
        (date(2026, 1, 1), "New Year's Day"),
        (date(2026, 1, 19), "Martin Luther King Jr. Day"),
        (date(2026, 2, 16), "Washington's Birthday"),
        (date(2026, 5, 25), "Memorial Day"),
        (date(2026, 6, 19), "Juneteenth"),
        (date(2026, 7, 3), "Independence Day (observed)"),
        (date(2026, 7, 4), "Independence Day"),
        (date(2026, 9, 7), "Labor Day"),
        (date(2026, 10, 12), "Columbus Day"),
        (date(2026, 11, 11), "Veterans Day"),
        (date(2026, 11, 26), "Thanksgiving Day"),
        (date(2026, 12, 25), "Christmas Day"),
    ]


def test_new_years_day_on_a_saturday_is_observed_in_the_year_before() -> None:
    assert find_holiday(date(2027, 12, 31), state="GA") == "New Year's Day (observed)"
    assert find_holiday(date(2026, 12, 31), state="GA") is None


@pytest.mark.parametrize("year", EASTER)
def test_days_that_follow_easter(year: int) -> None:
    assert find_easter(year) == date(year, *EASTER[year])
    mardi_gras, good_friday = date(year, *MARDI_GRAS[year]), date(year, *GOOD_FRIDAY[year])
    for state in ("AL", "LA"):
        assert find_holiday(mardi_gras, state=state) == "Mardi Gras"
    for state in ("LA", "PA", "UT"):
        assert find_holiday(good_friday, state=state) == "Good Friday"
    assert find_holiday(good_friday, state="AL") is None
    assert find_holiday(mardi_gras, state="FL") is None


@pytest.mark.parametrize("year", CONFEDERATE_MEMORIAL_DAY)
def test_mondays_of_alabama(year: int) -> None:
    april, june = date(year, 4, CONFEDERATE_MEMORIAL_DAY[year]), date(year, 6, JEFFERSON_DAVIS_BIRTHDAY[year])
    assert find_holiday(april, state="AL") == "Confederate Memorial Day"
    assert find_holiday(june, state="AL") == "Jefferson Davis' Birthday"
    assert find_holiday(june, state="LA") is None


@pytest.mark.parametrize(
    ("state", "day", "name"),
    [
        ("LA", date(2026, 11, 1), "All Saints' Day"),
        ("LA", date(2026, 11, 2), "All Saints' Day (observed)"),
        ("LA", date(2026, 11, 27), "Acadian Day"),
        ("LA", date(2026, 11, 3), "General Election Day"),
        ("LA", date(2028, 11, 7), "General Election Day"),
        ("LA", date(2026, 1, 8), "Battle of New Orleans"),
        ("LA", date(2027, 8, 30), "Huey P. Long Day"),
        ("MS", date(2027, 4, 26), "Confederate Memorial Day"),
        ("MS", date(2024, 4, 29), "Confederate Memorial Day"),
        ("PA", date(2026, 11, 3), "Election Day"),
        ("PA", date(2027, 11, 2), "Election Day"),
        ("PA", date(2027, 6, 14), "Flag Day"),
        ("RI", date(2026, 8, 10), "Victory Day"),
        ("RI", date(2026, 11, 3), "Election Day"),
        ("RI", date(2027, 5, 4), "Rhode Island Independence Day"),
        ("RI", date(2025, 5, 5), "Rhode Island Independence Day (observed)"),
        ("UT", date(2026, 7, 24), "Pioneer Day"),
        ("UT", date(2027, 7, 23), "Pioneer Day (observed)"),
    ],
)
def test_holidays_of_single_states(state: str, day: date, name: str) -> None:
    assert find_holiday(day, state=state) == name
    assert find_holiday(day, state="GA") is None


@pytest.mark.parametrize(
    "monday",
    [
        *(date(2024, 6, 17), date(2025, 6, 16), date(2026, 6, 15), date(2029, 6, 18)),
        *(date(2027, 6, 21), date(2022, 6, 20)),
    ],
)
def test_utah_observes_juneteenth_on_a_monday(monday: date) -> None:
    """The federal day closes it too."""
    assert find_holiday(monday, state="UT") is not None
    assert find_holiday(date(monday.year, 6, 19), state="UT") == "Juneteenth"


def test_juneteenth_on_a_monday_is_one_day_in_utah() -> None:
    assert find_holiday(date(2028, 6, 19), state="UT") == "Juneteenth"
    assert [find_holiday(date(2028, 6, day), state="UT") for day in (12, 26)] == [None, None]


@pytest.mark.parametrize("state", ["LA", "RI"])
def test_year_without_a_general_election_has_no_election_day(state: str) -> None:
    assert find_holiday(date(2027, 11, 2), state=state) is None


def test_alabama_observes_a_sunday_on_monday_and_a_saturday_on_friday() -> None:
    assert find_holiday(date(2027, 7, 5), state="AL") == "Independence Day (observed)"
    assert find_holiday(date(2026, 7, 3), state="AL") == "Independence Day (observed)"

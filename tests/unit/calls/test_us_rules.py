"""The rules that the product ships: every row, and what it means at the edges of a day."""

from datetime import date, time, timedelta

import pytest

from distribution.calls.hours.rules import find_most_calls_per_day, find_window
from routing.places.states import US_NAMES
from tests.support.us_rules import FEDERAL, list_us_rules
from tests.unit.calls.us import US_RULES, check, local, place

SECOND = timedelta(seconds=1)
# Opens, closes, on Sunday, on holidays, most calls in 24 hours.
STRICTER = {
    "AL": (8, 20, False, False, None),
    "CT": (9, 20, True, True, None),
    "FL": (8, 20, True, True, 3),
    "KY": (10, 21, True, True, None),
    "LA": (8, 20, False, False, None),
    "MA": (8, 20, True, True, None),
    "MD": (8, 20, True, True, 3),
    "MI": (9, 21, True, True, None),
    "MN": (9, 21, True, True, None),
    "MS": (8, 20, False, False, None),
    "NM": (9, 21, True, True, None),
    "NV": (9, 20, True, True, None),
    "OK": (8, 20, True, True, 3),
    "PA": (8, 21, True, False, None),
    "RI": (10, 17, False, False, None),
    "SD": (9, 21, False, True, None),
    "TX": (9, 21, False, True, None),
    "UT": (8, 21, False, False, None),
    "WA": (8, 20, True, True, None),
    "WY": (8, 20, True, True, None),
}
STATES = sorted(US_NAMES)
TUESDAY, SUNDAY, HOLIDAY = "2026-10-06", "2026-10-04", "2026-09-07"


def read_row(state: str) -> tuple[int, int, bool, bool, int | None]:
    return STRICTER.get(state, (8, 21, True, True, None))


def test_country_and_every_state_have_one_row_with_source_and_date() -> None:
    rows = list(list_us_rules())
    assert [row.rule.state for row in rows] == ["", *STATES]
    assert all(row.source and row.checked_on == date(2026, 11, 30) for row in rows)
    assert {row.rule.state for row in rows if row.source == FEDERAL} == {"", *STATES} - {*STRICTER}


@pytest.mark.parametrize("state", STATES)
def test_row_of_the_state(state: str) -> None:
    opens, closes, on_sunday, on_holidays, most = read_row(state)
    rule = US_RULES["US", state]
    assert (rule.opens, rule.closes) == (time(opens), time(closes))
    assert (rule.calls_on_sunday, rule.calls_on_holidays) == (on_sunday, on_holidays)
    assert rule.most_calls_per_day == most


@pytest.mark.parametrize("state", STATES)
def test_state_opens_at_its_hour_and_is_closed_in_the_closing_second(state: str) -> None:
    opens, closes, *_ = read_row(state)
    opens_at = local(f"{TUESDAY} {opens:02d}:00", state=state)
    closes_at = local(f"{TUESDAY} {closes:02d}:00", state=state)
    assert not check(place(state), at=opens_at - SECOND).is_open
    assert check(place(state), at=opens_at).is_open
    assert check(place(state), at=closes_at - SECOND).is_open
    assert not check(place(state), at=closes_at).is_open
    assert check(place(state), at=opens_at).closes_at == closes_at


@pytest.mark.parametrize("state", STATES)
def test_state_at_noon_on_sunday_and_on_labor_day(state: str) -> None:
    _, _, on_sunday, on_holidays, _ = read_row(state)
    assert check(place(state), at=local(f"{SUNDAY} 12:00", state=state)).is_open is on_sunday
    assert check(place(state), at=local(f"{HOLIDAY} 12:00", state=state)).is_open is on_holidays


def test_narrowest_limit_of_calls_counts() -> None:
    assert find_most_calls_per_day([place("GA"), place("FL")], rules=US_RULES) == 3
    assert find_most_calls_per_day([place("GA")], rules=US_RULES) is None


def test_states_of_the_pacific_without_a_row_have_no_window() -> None:
    assert find_window(place("FM", zone="Pacific/Pohnpei"), rules=US_RULES) is None

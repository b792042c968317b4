"""Values as text."""

from datetime import UTC, datetime

import pytest

from tracing import wording


@pytest.mark.parametrize(
    ("cents", "text"),
    [(0, "$0.00"), (5, "$0.05"), (2_500, "$25.00"), (123_456_789, "$1,234,567.89"), (-1_050, "-$10.50")],
)
def test_money_has_cents(cents: int, text: str) -> None:
    assert wording.money(cents) == text


def test_local_time_names_the_day_if_it_differs() -> None:
    at = datetime(2026, 8, 3, 2, 5, tzinfo=UTC)

    assert wording.local_moment(at, timezone="UTC") == "2026-08-03 02:05 UTC"
    assert wording.local_moment(at, timezone="Europe/Berlin") == "2026-08-03 02:05 UTC (04:05 Europe/Berlin)"
    assert wording.local_moment(at, timezone="America/New_York") == (
        "2026-08-03 02:05 UTC (2026-08-02 22:05 America/New_York)"
    )


@pytest.mark.parametrize(("ms", "text"), [(0.2, "under 1 ms"), (3.4, "3 ms"), (1_540.0, "1.5 s")])
def test_duration_has_a_readable_unit(ms: float, text: str) -> None:
    assert wording.duration(ms) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *((0, "0 s"), (59.9, "59 s"), (60, "1 min"), (200, "3 min 20 s"), (7_200, "2 h"), (7_259, "2 h")),
        *((7_500, "2 h 5 min"), (86_400, "1 d"), (86_460, "1 d"), (273_600, "3 d 4 h")),
    ],
)
def test_spans_have_their_two_largest_units(seconds: float, text: str) -> None:
    assert wording.span(seconds) == text


@pytest.mark.parametrize(
    ("number", "text"), [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (22, "22nd")]
)
def test_ordinal_has_its_suffix(number: int, text: str) -> None:
    assert wording.ordinal(number) == text


def test_long_lists_are_counted() -> None:
    assert wording.one_of(["a", "b", "c"]) == "a, b or c"
    assert wording.one_of([str(n) for n in range(10)]) == "0, 1, 2, 3, 4, 5, 6, 7 or 2 more"
    assert wording.one_of([]) == "none"


def test_place_is_shown_with_its_known_parts() -> None:
    assert wording.place({"zip": "10001", "county": None, "state": "NY"}) == "10001, NY"
    assert wording.place({}) == "an unknown place"

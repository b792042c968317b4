"""Where a lead may be: ZIP code and area code both count, and whatever is unknown stops the call."""

import pytest

from distribution.calls.hours.places import (
    ABROAD,
    FOREIGN_PHONE,
    NO_ZIP,
    UNKNOWN_AREA_CODE,
    UNKNOWN_ZIP,
    Place,
    Places,
    Unplaced,
    find_places,
)

ATLANTA = "30312"
GEORGIA = Place("US", "GA", "America/New_York")


def test_zip_code_and_phone_of_one_place_are_one_place() -> None:
    assert find_places(ATLANTA, country="US", phone="+14045550123") == (GEORGIA,)


def test_moved_phone_counts_in_both_places() -> None:
    assert find_places(ATLANTA, country="US", phone="+12065550123") == (
        GEORGIA,
        Place("US", "WA", "America/Los_Angeles"),
    )


def test_area_code_with_two_zones_counts_twice() -> None:
    assert find_places("37402", country="US", phone="+14235550123") == (
        Place("US", "TN", "America/New_York"),
        Place("US", "TN", "America/Chicago"),
    )


def test_phone_from_canada_counts_in_canada() -> None:
    assert find_places(ATLANTA, country="US", phone="+14165550123") == (
        GEORGIA,
        Place("CA", "ON", "America/Toronto"),
    )


def test_phone_from_the_caribbean_has_no_state() -> None:
    assert find_places(ATLANTA, country="US", phone="+18765550123") == (
        GEORGIA,
        Place("JM", "", "America/Jamaica"),
    )


def test_zip_code_across_a_state_line_counts_in_both_states() -> None:
    assert find_places("86515", country="US", phone="+19285550123") == (
        Place("US", "AZ", "America/Denver"),
        Place("US", "AZ", "America/Phoenix"),
    )
    states = {place.state for place in places_of("42223", phone="+12705550123")}
    assert states == {"KY", "TN"}


def places_of(zip_code: str, *, phone: str) -> Places:
    places = find_places(zip_code, country="US", phone=phone)
    assert not isinstance(places, Unplaced)
    return places


@pytest.mark.parametrize(
    ("zip_code", "phone", "zones"),
    [
        ("47710", "+18125550123", {"America/Chicago", "America/New_York"}),  # Evansville, Indiana
        ("46402", "+12195550123", {"America/Chicago", "America/New_York"}),  # Gary, Indiana
        ("42001", "+12705550123", {"America/Chicago", "America/New_York"}),  # Paducah, Kentucky
        ("40202", "+15025550123", {"America/New_York"}),  # Louisville, Kentucky
        ("37203", "+16155550123", {"America/Chicago"}),  # Nashville, Tennessee
        ("79901", "+19155550123", {"America/Denver"}),  # El Paso, Texas
        ("75201", "+12145550123", {"America/Chicago"}),  # Dallas, Texas
        ("85001", "+16025550123", {"America/Phoenix"}),
        ("96801", "+18085550123", {"Pacific/Honolulu"}),
        ("99501", "+19075550123", {"America/Anchorage", "America/Adak"}),
        ("00901", "+17875550123", {"America/Puerto_Rico"}),
        ("96910", "+16715550123", {"Pacific/Guam"}),
    ],
)
def test_zones_of_split_states_and_far_places(zip_code: str, phone: str, zones: set[str]) -> None:
    found = {place.zone for place in places_of(zip_code, phone=phone)}
    # Louisville and Indianapolis have names of their own for the clock of New York.
    same = {
        "America/Kentucky/Louisville": "America/New_York",
        "America/Indiana/Indianapolis": "America/New_York",
    }
    assert {same.get(zone, zone) for zone in found} == zones


def test_zip_plus_four_is_read_by_its_five_digits() -> None:
    assert find_places("30312-1234", country="US", phone="+14045550123") == (GEORGIA,)


def test_territory_that_was_given_as_a_country_is_home() -> None:
    assert find_places("00901", country="PR", phone="+17875550123") == (
        Place("US", "PR", "America/Puerto_Rico"),
    )


@pytest.mark.parametrize(
    ("zip_code", "country", "phone", "unplaced"),
    [
        ("", "US", "+14045550123", NO_ZIP),
        ("00000", "US", "+14045550123", UNKNOWN_ZIP),
        ("09009", "US", "+14045550123", UNKNOWN_ZIP),  # armed forces in Europe
        ("M5V 2T6", "CA", "+14165550123", ABROAD),
        ("10115", "DE", "+14045550123", ABROAD),
        (ATLANTA, "US", "", FOREIGN_PHONE),
        (ATLANTA, "US", "+442071234567", FOREIGN_PHONE),
        (ATLANTA, "US", "+18005550123", UNKNOWN_AREA_CODE),
        (ATLANTA, "US", "+19995550123", UNKNOWN_AREA_CODE),
    ],
)
def test_unknown_place_is_not_called(zip_code: str, country: str, phone: str, unplaced: Unplaced) -> None:
    assert find_places(zip_code, country=country, phone=phone) == unplaced
    assert unplaced.code == "no_timezone"


def test_only_the_area_code_of_the_phone_is_read() -> None:
    first = find_places(ATLANTA, country="US", phone="+12065550123")
    assert first == find_places(ATLANTA, country="US", phone="+12067779999")

"""Area codes against the two packages that know some of them, and single rows against the map."""

from collections import defaultdict
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
import zipcodes

from distribution.calls.hours.area_codes import AreaCode, find_area_code, load_area_codes, read_area_code
from routing.places.states import CANADIAN_NAMES, US_NAMES

TERRITORIES = {"PR", "GU", "VI", "AS", "MP"}
NOT_GEOGRAPHIC = [
    *(
        "500",
        "521",
        "522",
        "523",
        "524",
        "525",
        "526",
        "527",
        "528",
        "529",
        "532",
        "533",
        "544",
        "566",
        "577",
        "588",
    ),
    *("600", "622", "633", "700", "710", "800", "833", "844", "855", "866", "877", "888", "900"),
]
WINTER_AND_SUMMER = (1_768_500_000, 1_784_000_000)


def find_region(code: str) -> set[str]:
    """The countries in which phonenumbers knows numbers with this area code."""
    numbers = (
        phonenumbers.PhoneNumber(country_code=1, national_number=int(f"{code}{exchange}1234"))
        for exchange in range(200, 1000)
    )
    return {region for number in numbers if (region := phonenumbers.region_code_for_number(number))}


def test_every_row_is_well_formed() -> None:
    names = {"US": US_NAMES, "CA": CANADIAN_NAMES}
    for code, area in load_area_codes().items():
        assert code == area.code
        assert len(code) == 3
        assert code.isdigit()
        assert {*area.states} <= {*names.get(area.country, ())}
        assert bool(area.states) == (area.country in names)
        assert area.zones
        assert all(ZoneInfo(zone).key == zone for zone in area.zones)


def test_every_state_and_territory_has_area_codes() -> None:
    assert {
        state for area in load_area_codes().values() if area.country == "US" for state in area.states
    } == {*US_NAMES}
    assert {
        state for area in load_area_codes().values() if area.country == "CA" for state in area.states
    } == {*CANADIAN_NAMES}


def test_every_area_code_of_phonenumbers_is_known_in_the_same_country() -> None:
    known = {code: regions for number in range(200, 1000) if (regions := find_region(code := str(number)))}
    assert len(known) > 400
    for code, regions in known.items():
        area = find_area_code(code)
        if area is None:
            assert code in NOT_GEOGRAPHIC
        else:
            region = next(iter(area.states)) if TERRITORIES & {*area.states} else area.country
            assert regions == {region}, code


@pytest.mark.parametrize("code", NOT_GEOGRAPHIC)
def test_toll_free_and_personal_codes_have_no_place(code: str) -> None:
    assert find_area_code(code) is None


def list_offsets(zone: str) -> tuple[str, ...]:
    return tuple(
        f"{datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(zone)):%z}" for at in WINTER_AND_SUMMER
    )


def test_area_codes_agree_with_those_of_zip_codes() -> None:
    """The package names the area codes of each ZIP code. Border towns have those of the next state too."""
    states: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    zones: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for entry in zipcodes.list_all():  # type: ignore[no-untyped-call]
        for code in entry["area_codes"]:
            states[code][entry["state"]] += 1
            zones[code, entry["state"]][entry["timezone"]] += 1
    assert len(states) > 380
    for code, counts in states.items():
        area = find_area_code(code)
        assert area is not None
        if area.country != "US":
            continue  # a border town in Vermont has a code of Quebec
        (state,) = area.states
        assert state == max(counts, key=lambda each: counts[each]), code
        usual = max(zones[code, state], key=lambda each: zones[code, state][each])
        assert list_offsets(usual) in {list_offsets(zone) for zone in area.zones}, code


@pytest.mark.parametrize(
    ("code", "state", "zones"),
    [
        ("212", "NY", {"America/New_York"}),
        ("907", "AK", {"America/Anchorage", "America/Adak"}),
        ("808", "HI", {"Pacific/Honolulu"}),
        ("602", "AZ", {"America/Phoenix"}),
        ("928", "AZ", {"America/Phoenix", "America/Denver"}),  # the Navajo Nation changes its clocks
        ("850", "FL", {"America/New_York", "America/Chicago"}),
        ("270", "KY", {"America/New_York", "America/Chicago"}),
        ("812", "IN", {"America/New_York", "America/Chicago"}),
        ("423", "TN", {"America/New_York", "America/Chicago"}),
        ("615", "TN", {"America/Chicago"}),
        ("865", "TN", {"America/New_York"}),
        ("915", "TX", {"America/Denver"}),
        ("214", "TX", {"America/Chicago"}),
        ("701", "ND", {"America/Chicago", "America/Denver"}),
        ("605", "SD", {"America/Chicago", "America/Denver"}),
        ("308", "NE", {"America/Chicago", "America/Denver"}),
        ("208", "ID", {"America/Denver", "America/Los_Angeles"}),
        ("541", "OR", {"America/Denver", "America/Los_Angeles"}),
        ("906", "MI", {"America/Chicago", "America/New_York"}),
        ("787", "PR", {"America/Puerto_Rico"}),
        ("671", "GU", {"Pacific/Guam"}),
        ("670", "MP", {"Pacific/Guam"}),
        ("684", "AS", {"Pacific/Pago_Pago"}),
        ("457", "LA", {"America/Chicago"}),
        ("689", "FL", {"America/New_York"}),
    ],
)
def test_place_of_a_us_area_code(code: str, state: str, zones: set[str]) -> None:
    area = find_area_code(code)
    assert area is not None
    assert (area.country, area.states, {*area.zones}) == ("US", (state,), zones)


@pytest.mark.parametrize(
    ("code", "overlaid"),
    [
        ("364", "270"),
        ("448", "850"),
        ("458", "541"),
        ("930", "812"),
        ("531", "402"),
        ("986", "208"),
        ("646", "212"),
    ],
)
def test_overlay_has_the_place_of_the_code_that_it_overlays(code: str, overlaid: str) -> None:
    one, other = find_area_code(code), find_area_code(overlaid)
    assert one is not None
    assert other is not None
    assert one[1:] == other[1:]


@pytest.mark.parametrize(
    ("code", "row"),
    [
        ("416", AreaCode("416", "CA", ("ON",), ("America/Toronto",))),
        ("902", AreaCode("902", "CA", ("NS", "PE"), ("America/Halifax",))),
        ("242", AreaCode("242", "BS", (), ("America/Nassau",))),
        ("876", AreaCode("876", "JM", (), ("America/Jamaica",))),
        ("809", AreaCode("809", "DO", (), ("America/Santo_Domingo",))),
    ],
)
def test_canadian_and_caribbean_codes_are_not_of_the_united_states(code: str, row: AreaCode) -> None:
    assert find_area_code(code) == row


@pytest.mark.parametrize(
    ("phone", "code"),
    [
        ("+14045550123", "404"),
        ("+442071234567", None),
        ("+1404555012", None),
        ("+140455501234", None),
        ("14045550123", None),
        ("+11045550123", None),
        ("+14041550123", None),
        ("+1\u0664\u0660\u06645550123", None),
        ("", None),
    ],
)
def test_area_code_of_a_phone_number(phone: str, code: str | None) -> None:
    assert read_area_code(phone) == code

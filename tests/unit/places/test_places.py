"""ZIP codes, their places, and distances."""

import math
import re
import subprocess
import sys
from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.places.zips import (
    Place,
    distance_miles,
    find_county,
    find_place,
    list_counties,
    list_states,
    list_states_of,
    load_rows,
    name_counties,
    zips_in_state,
    zips_within,
)

latitudes, longitudes = st.floats(-90, 90), st.floats(-180, 180)


def test_zip_has_its_place() -> None:
    assert find_place("30312") == Place(
        zip="30312",
        city="Atlanta",
        state="GA",
        county="Fulton County",
        timezone="America/New_York",
        latitude=33.7467,
        longitude=-84.3781,
    )


@pytest.mark.parametrize("zip_code", ["99999", "", "303", "30312-1234", "\x00"])
def test_invalid_zip_has_no_place(zip_code: str) -> None:
    assert find_place(zip_code) is None


def test_unknown_parts_are_none() -> None:
    military = find_place("09001")
    assert military is not None
    assert (military.county, military.timezone, military.latitude, military.longitude) == (
        None,
        None,
        None,
        None,
    )
    napakiak = find_place("99634")  # the data has a town as its time zone
    assert napakiak is not None
    assert napakiak.timezone is None


def test_rows_are_complete() -> None:
    rows = load_rows()
    assert len(rows) > 42_000
    assert all(len(row) == 7 and len(row[0]) == 5 and len(row[2]) == 2 for row in rows.values())
    assert {"GA", "DC", "PR", "AE"} <= list_states()


@pytest.mark.parametrize(
    ("start", "end", "miles"),
    [
        ((40.7128, -74.0060), (34.0522, -118.2437), 2445.6),  # New York to Los Angeles
        ((0.0, 0.0), (0.0, 180.0), 12436.8),  # half the equator
        ((51.0, 179.9), (51.0, -179.9), 8.7),  # across the date line
        ((33.0, -84.0), (33.0, -84.0), 0.0),
    ],
)
def test_distance_matches_known_miles(
    start: tuple[float, float], end: tuple[float, float], miles: float
) -> None:
    assert distance_miles(*start, *end) == pytest.approx(miles, abs=0.1)


@settings(deadline=None)
@given(latitudes, longitudes, latitudes, longitudes)
def test_distance_agrees_with_the_angle_between_vectors(
    lat1: float, lon1: float, lat2: float, lon2: float
) -> None:
    def vector(lat: float, lon: float) -> tuple[float, float, float]:
        phi, lam = math.radians(lat), math.radians(lon)
        return math.cos(phi) * math.cos(lam), math.cos(phi) * math.sin(lam), math.sin(phi)

    chord = math.dist(vector(lat1, lon1), vector(lat2, lon2))
    angle = 2 * math.asin(min(1.0, chord / 2))
    assert distance_miles(lat1, lon1, lat2, lon2) == pytest.approx(angle * 3958.7613, abs=0.5)
    assert distance_miles(lat2, lon2, lat1, lon1) == pytest.approx(distance_miles(lat1, lon1, lat2, lon2))


@pytest.mark.parametrize(("latitude", "longitude", "miles"), [(33.7467, -84.3781, 25), (61.2, -149.9, 80)])
def test_zips_within_agrees_with_a_scan_of_all(latitude: float, longitude: float, miles: float) -> None:
    expected = sorted(
        row[0]
        for row in load_rows().values()
        if row[5] is not None
        and row[6] is not None
        and distance_miles(latitude, longitude, row[5], row[6]) <= miles
    )
    assert zips_within(latitude=latitude, longitude=longitude, miles=miles) == expected
    assert len(expected) > 10


def zips_in_county(*, state: str, county: str) -> list[str]:
    return [zip_code for zip_code in load_rows() if (state, county) in list_counties(zip_code)]


def test_zips_of_a_county_and_a_state() -> None:
    fulton = zips_in_county(state="GA", county="Fulton County")
    assert "30312" in fulton
    assert set(fulton) < set(zips_in_state("GA"))
    assert zips_in_county(state="OH", county="Fulton County") != fulton
    assert zips_in_state("XX") == []


def test_importing_loads_neither_data_nor_django() -> None:
    code = "import routing.places.zips, sys; assert not {'zipcodes', 'django'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_county_has_one_spelling() -> None:
    spellings: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in load_rows().values():
        if row[3]:
            spellings[row[2], re.sub("[^a-z]", "", row[3].casefold())].add(row[3])
    assert [found for found in spellings.values() if len(found) > 1] == []
    assert zips_in_county(state="GA", county="Dekalb County") == []


@pytest.mark.parametrize(
    ("state", "written", "usual"),
    [
        ("GA", "Dekalb county", "DeKalb County"),
        ("MO", "St Louis City", "St. Louis City"),
        ("MO", "Saint Louis County", "St. Louis County"),
        ("IN", "La Porte County", "LaPorte County"),
        ("VA", "Emporia city", "Emporia city"),
        ("GA", "Fulton", None),
        ("TX", "Fulton County", None),
    ],
)
def test_county_is_found_by_any_spelling(state: str, written: str, usual: str | None) -> None:
    assert find_county(state, written) == usual


def test_zip_has_all_its_counties_and_states() -> None:
    assert list_counties("30349") == (("GA", "Fulton County"), ("GA", "Clayton County"))
    assert list_counties("42223") == (("KY", "Christian County"), ("TN", "Montgomery County"))
    assert list_states_of("42223") == ("KY", "TN")
    assert (list_counties("00000"), list_states_of("00000")) == ((), ())


def test_counties_of_a_lead_lie_in_its_state() -> None:
    assert name_counties("42223", state="TN", county="Christian County") == ["Montgomery County"]
    assert name_counties("42223", state="KY", county="Christian County") == ["Christian County"]
    assert name_counties("30349", state="GA", county="Clayton County") == ["Clayton County", "Fulton County"]
    assert name_counties("00000", state="GA", county="Nowhere County") == ["Nowhere County"]
    assert name_counties("09001", state="AE", county=None) == []

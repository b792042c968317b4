"""ZIP codes, their places, and distances."""

import math
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.places import (
    Place,
    distance_miles,
    find_place,
    list_states,
    load_rows,
    zips_in_county,
    zips_in_state,
    zips_within,
)

latitudes, longitudes = st.floats(-90, 90), st.floats(-180, 180)


def test_a_zip_has_its_place() -> None:
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
def test_what_is_no_zip_has_none(zip_code: str) -> None:
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


def test_the_rows_are_complete() -> None:
    rows = load_rows()
    assert len(rows) > 42_000
    assert all(len(row) == 7 and len(row[0]) == 5 and len(row[2]) == 2 for row in rows.values())
    assert {"GA", "DC", "PR", "AE"} <= list_states()


@pytest.mark.parametrize(
    ("start", "end", "miles"),
    [
        ((40.7128, -74.0060), (34.0522, -118.2437), 2445.6),  # New York to Los Angeles
        ((0.0, 0.0), (0.0, 180.0), 12436.8),  # half the equator
        ((51.0, 179.9), (51.0, -179.9), 8.7),  # over the date line
        ((33.0, -84.0), (33.0, -84.0), 0.0),
    ],
)
def test_distance(start: tuple[float, float], end: tuple[float, float], miles: float) -> None:
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


def test_zips_of_a_county_and_a_state() -> None:
    fulton = zips_in_county(state="GA", county="Fulton County")
    assert "30312" in fulton
    assert fulton == sorted(fulton)
    assert set(fulton) < set(zips_in_state("GA"))
    assert zips_in_county(state="OH", county="Fulton County") != fulton
    assert zips_in_state("XX") == []


def test_importing_loads_neither_data_nor_django() -> None:
    code = "import routing.places, sys; assert not {'zipcodes', 'django'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)

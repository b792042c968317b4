"""US ZIP codes with their place, and distances between points. Read from the zipcodes package on first use.

Imports no Django. The package answers one question in 0.35 ms by scanning, so its rows go into a dict.
"""

from collections.abc import Iterator
from functools import cache
from math import asin, cos, radians, sin, sqrt
from sys import intern
from threading import Lock
from typing import Final, NamedTuple

from routing.zones import UnknownTimezone, load_zone

EARTH_RADIUS_MILES = 3958.7613  # mean radius, 6371.0088 km
MILES_A_DEGREE = 69.0  # of latitude; a little less than the smallest, so that a box built on it is too large


class Place(NamedTuple):
    """What is unknown is None: military ZIPs have no county, time zone or coordinates."""

    zip: str
    city: str
    state: str
    county: str | None
    timezone: str | None
    latitude: float | None
    longitude: float | None


# Rows are plain tuples, which the garbage collector stops tracking; a Place is made when one is asked for.
Row = tuple[str, str, str, str | None, str | None, float | None, float | None]
_ROWS: Final[dict[str, Row]] = {}
_LOADING: Final = Lock()


def find_place(zip_code: str) -> Place | None:
    """`zip_code` has exactly five digits."""
    row = load_rows().get(zip_code)
    return None if row is None else Place(*row)


def load_rows() -> dict[str, Row]:
    """All 42,000 rows by ZIP. Call it before forking, so that workers share it.

    Measured: 0.4 s and 55 MB, of which the package's own start takes 0.26 s and 38 MB.
    """
    return _ROWS or _load_once()


def _load_once() -> dict[str, Row]:
    # One thread reads, the others wait: thirty threads that met an empty cache took 20 s.
    with _LOADING:
        if not _ROWS:
            _ROWS.update({row[0]: row for row in _read_rows()})
    return _ROWS


def _read_rows() -> Iterator[Row]:
    import zipcodes

    # In parts: the package builds a dict for each row, 200 MB when asked for all of them at once.
    for prefix in range(100):
        for entry in zipcodes.similar_to(f"{prefix:02d}"):  # type: ignore[no-untyped-call]
            latitude, longitude = float(entry["lat"]), float(entry["long"])
            is_located = (latitude, longitude) != (0, 0)
            yield (
                entry["zip_code"],
                intern(entry["city"]),
                intern(entry["state"]),
                intern(entry["county"]) or None,
                _check_timezone(entry["timezone"]),
                latitude if is_located else None,
                longitude if is_located else None,
            )


@cache
def _check_timezone(tz_name: str) -> str | None:
    # One ZIP of the data has the name of a town in this column.
    try:
        return load_zone(tz_name).key
    except UnknownTimezone:
        return None


def distance_miles(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Great-circle distance by the haversine formula; within 0.5 % of the true one."""
    phi1, phi2 = radians(lat1), radians(lat2)
    half_lat, half_lon = (phi2 - phi1) / 2, radians(lon2 - lon1) / 2
    chord = sin(half_lat) ** 2 + cos(phi1) * cos(phi2) * sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_MILES * asin(sqrt(min(1.0, chord)))


def zips_within(*, latitude: float, longitude: float, miles: float) -> list[str]:
    """The ZIPs whose centre is at most `miles` away, sorted."""
    margin = miles / MILES_A_DEGREE
    return sorted(
        zip_code
        for zip_code, _, _, _, _, lat, lon in load_rows().values()
        if lat is not None
        and lon is not None
        and abs(lat - latitude) <= margin
        and distance_miles(latitude, longitude, lat, lon) <= miles
    )


def zips_in_county(*, state: str, county: str) -> list[str]:
    """`county` as the data writes it, such as Fulton County; sorted."""
    return sorted(row[0] for row in load_rows().values() if row[3] == county and row[2] == state)


def zips_in_state(state: str) -> list[str]:
    """`state` is the two-letter code; sorted."""
    return sorted(row[0] for row in load_rows().values() if row[2] == state)


@cache
def list_states() -> frozenset[str]:
    """The two-letter codes in use: the states, DC, the territories and the military AA, AE and AP."""
    return frozenset(row[2] for row in load_rows().values())

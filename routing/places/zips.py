"""US ZIP codes with their place, and distances between points. Read from the zipcodes package on first use.

Imports no Django. The package answers one question in 0.35 ms by scanning, so its rows go into a dict. It names one
county for each ZIP code; `routing/places/data/zip_counties.txt` names all of them (see ops/refresh_counties.py).
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from math import asin, cos, radians, sin, sqrt
from pathlib import Path
from sys import intern
from threading import Lock
from typing import Final, NamedTuple, TypeAlias

from routing.calendar.zones import UnknownTimezone, load_zone

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
County: TypeAlias = tuple[str, str]  # state, name
_ROWS: Final[dict[str, Row]] = {}
COUNTIES_FILE: Final = Path(__file__).parent / "data/zip_counties.txt"
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
            _ROWS.update({row[0]: row for row in _unify_counties(list(_read_rows()))})
    list_known_counties()
    return _ROWS


def _unify_counties(rows: Sequence[Row]) -> Iterator[Row]:
    """One spelling for each county: the data writes fifty in two ways (DeKalb and Dekalb, St. Clair and St Clair)."""
    spellings: dict[County, Counter[str]] = defaultdict(Counter)
    for row in rows:
        if row[3]:
            spellings[row[2], fold_county(row[3])][row[3]] += 1
    usual = {key: intern(_find_usual(found)) for key, found in spellings.items()}
    for row in rows:
        yield (*row[:3], usual[row[2], fold_county(row[3])], *row[4:]) if row[3] else row


def _find_usual(spellings: Counter[str]) -> str:
    """The one with most ZIP codes; of equally many the one with more capitals."""
    return max(spellings, key=lambda name: (spellings[name], sum(map(str.isupper, name)), name))


@cache
def fold_county(name: str) -> str:
    """What two spellings of a county have in common: "St. Clair County" and "Saint Clair county"."""
    text = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().casefold()
    return re.sub(r"[^a-z]", "", re.sub(r"\b(saint|ste?)\b\.?", "st", text))


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
    """The ZIPs whose center is at most `miles` away, sorted."""
    margin = miles / MILES_A_DEGREE
    return sorted(
        zip_code
        for zip_code, _, _, _, _, lat, lon in load_rows().values()
        if lat is not None
        and lon is not None
        and abs(lat - latitude) <= margin
        and distance_miles(latitude, longitude, lat, lon) <= miles
    )


def list_counties(zip_code: str) -> tuple[County, ...]:
    """Every county of the ZIP, the main one first; () for an unknown ZIP."""
    row = load_rows().get(zip_code)
    main: tuple[County, ...] = ((row[2], row[3]),) if row is not None and row[3] else ()
    return (*main, *(each for each in load_shared_counties().get(zip_code, ()) if each not in main))


def list_states_of(zip_code: str) -> tuple[str, ...]:
    """Every state of the ZIP, the main one first; () for an unknown ZIP."""
    row = load_rows().get(zip_code)
    main = () if row is None else (row[2],)
    return tuple(dict.fromkeys((*main, *(state for state, _ in list_counties(zip_code)))))


def list_states_of_prefix(prefix: str) -> tuple[str, ...]:
    """The states in which ZIPs begin with these three digits; () where none does."""
    return _states_by_prefix().get(prefix, ())


@cache
def _states_by_prefix() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, set[str]] = defaultdict(set)
    for row in load_rows().values():
        found[row[0][:3]].add(row[2])
    return {prefix: tuple(sorted(states)) for prefix, states in found.items()}


def name_counties(zip_code: str, *, state: str | None, county: str | None) -> list[str]:
    """The counties of the ZIP that lie in this state, the lead's own first, each in its usual spelling."""
    names = [name for each, name in list_counties(zip_code) if state is None or each == state]
    if county and state:
        own = find_county(state, county)
        # The county that was stored may be the main one of the ZIP, on the other side of a state line.
        if own is not None:
            return [own, *(name for name in names if name != own)]
        return names or [county]
    return names


@cache
def load_shared_counties() -> Mapping[str, tuple[County, ...]]:
    """The counties of the ZIPs that lie in several."""
    usual = _list_usual_counties()
    by_code: dict[str, County] = {}
    shared: dict[str, tuple[County, ...]] = {}
    for line in COUNTIES_FILE.read_text(encoding="utf-8").splitlines():
        head, *rest = line.split(" ")
        if head == "=":
            state, name = rest[1], " ".join(rest[2:])
            by_code[rest[0]] = (intern(state), usual.get((state, fold_county(name)), intern(name)))
        elif head != "#":
            shared[head] = tuple(by_code[code] for code in rest)
    return shared


@cache
def _list_usual_counties() -> Mapping[County, str]:
    """State and folded name -> the usual spelling."""
    return {(row[2], fold_county(row[3])): row[3] for row in load_rows().values() if row[3]}


@cache
def list_known_counties() -> Mapping[County, str]:
    """As above, with those that only the file of shared ZIPs names."""
    shared: Iterable[County] = (each for found in load_shared_counties().values() for each in found)
    return {(state, fold_county(name)): name for state, name in shared} | dict(_list_usual_counties())


def find_county(state: str, county: str) -> str | None:
    """The usual spelling of a county that is written in another way; None where the state has none of this name."""
    return list_known_counties().get((state, fold_county(county)))


def zips_in_state(state: str) -> list[str]:
    """`state` is the two-letter code; sorted."""
    return sorted(row[0] for row in load_rows().values() if row[2] == state)


@cache
def list_states() -> frozenset[str]:
    """The two-letter codes in use: the states, DC, the territories and the military AA, AE and AP."""
    return frozenset(row[2] for row in load_rows().values())

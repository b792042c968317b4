"""US ZIP codes with their locations, and distances between points. Read from the zipcodes package on first use.

Imports no Django. The package needs 0.35 ms per lookup because it scans, so its rows go into a dict. It names one
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
MILES_PER_DEGREE = (
    69.0  # of latitude; a little less than the smallest, so that a box built on it is too large
)


class Place(NamedTuple):
    """None means unknown: military ZIP codes have no county, time zone or coordinates."""

    zip: str
    city: str
    state: str
    county: str | None
    timezone: str | None
    latitude: float | None
    longitude: float | None


# Rows are plain tuples, which the garbage collector stops tracking. A Place is created on request.
Row = tuple[str, str, str, str | None, str | None, float | None, float | None]
County: TypeAlias = tuple[str, str]  # state, name
_ROWS: Final[dict[str, Row]] = {}
COUNTIES_FILE: Final = Path(__file__).parent / "data/zip_counties.txt"
_LOADING: Final = Lock()


def find_place(zip_code: str) -> Place | None:
    """`zip_code` must have exactly five digits."""
    row = load_rows().get(zip_code)
    return None if row is None else Place(*row)


def load_rows() -> dict[str, Row]:
    """All 42,000 rows by ZIP. Call it before forking, so that workers share it.

    Measured: 0.4 s and 55 MB, of which importing the package takes 0.26 s and 38 MB.
    """
    return _ROWS or _load_once()


def _load_once() -> dict[str, Row]:
    # One thread reads while the others wait: with an empty cache, thirty threads took 20 s.
    with _LOADING:
        if not _ROWS:
            _ROWS.update(dict(_unify_counties(list(_read_rows()))))
    list_known_counties()
    return _ROWS


def _unify_counties(rows: Sequence[Row]) -> Iterator[tuple[str, Row]]:
    """Yield each ZIP code with its row, in which a county has one spelling.

    The data spells fifty counties in two ways (DeKalb and Dekalb, St. Clair and St Clair).
    """
    spellings: dict[County, Counter[str]] = defaultdict(Counter)
    for _, _, state, county, *_ in rows:
        if county:
            spellings[state, fold_county(county)][county] += 1
    usual = {key: intern(_find_usual(found)) for key, found in spellings.items()}
    for zip_code, city, state, county, timezone, latitude, longitude in rows:
        spelled = usual[state, fold_county(county)] if county else None
        yield zip_code, (zip_code, city, state, spelled, timezone, latitude, longitude)


def _find_usual(spellings: Counter[str]) -> str:
    """The spelling with the most ZIP codes; in a tie, the one with more capitals."""
    return max(spellings, key=lambda name: (spellings[name], sum(map(str.isupper, name)), name))


@cache
def fold_county(name: str) -> str:
    """The same key for all spellings of a county: "St. Clair County" and "Saint Clair county"."""
    text = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().casefold()
    return re.sub(r"[^a-z]", "", re.sub(r"\b(saint|ste?)\b\.?", "st", text))


def _read_rows() -> Iterator[Row]:
    import zipcodes

    # In parts: the package builds a dict for each row, 200 MB if all are requested at once.
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
    # For one ZIP code, the data has the name of a town in this column.
    try:
        return load_zone(tz_name).key
    except UnknownTimezone:
        return None


def distance_miles(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Great-circle distance by the haversine formula; accurate within 0.5%."""
    phi1, phi2 = radians(lat1), radians(lat2)
    half_lat, half_lon = (phi2 - phi1) / 2, radians(lon2 - lon1) / 2
    chord = sin(half_lat) ** 2 + cos(phi1) * cos(phi2) * sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_MILES * asin(sqrt(min(1.0, chord)))


def zips_within(*, latitude: float, longitude: float, miles: float) -> list[str]:
    """The ZIP codes whose center is at most `miles` away, sorted."""
    margin = miles / MILES_PER_DEGREE
    return sorted(
        zip_code
        for zip_code, _, _, _, _, lat, lon in load_rows().values()
        if lat is not None
        and lon is not None
        and abs(lat - latitude) <= margin
        and distance_miles(latitude, longitude, lat, lon) <= miles
    )


def list_counties(zip_code: str) -> tuple[County, ...]:
    """Every county of the ZIP code, the main one first; () if it is unknown."""
    place = find_place(zip_code)
    main: tuple[County, ...] = ((place.state, place.county),) if place is not None and place.county else ()
    return (*main, *(each for each in load_shared_counties().get(zip_code, ()) if each not in main))


def list_states_of(zip_code: str) -> tuple[str, ...]:
    """Every state of the ZIP code, the main one first; () if it is unknown."""
    place = find_place(zip_code)
    main = () if place is None else (place.state,)
    return tuple(dict.fromkeys((*main, *(state for state, _ in list_counties(zip_code)))))


def list_states_of_prefix(prefix: str) -> tuple[str, ...]:
    """The states with ZIP codes that start with these three digits; () if there are none."""
    return _states_by_prefix().get(prefix, ())


@cache
def _states_by_prefix() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, set[str]] = defaultdict(set)
    for zip_code, _, state, *_ in load_rows().values():
        found[zip_code[:3]].add(state)
    return {prefix: tuple(sorted(states)) for prefix, states in found.items()}


def name_counties(zip_code: str, *, state: str | None, county: str | None) -> list[str]:
    """The counties of the ZIP code in this state, the lead's own first, each in its usual spelling."""
    names = [name for each, name in list_counties(zip_code) if state is None or each == state]
    if county and state:
        own = find_county(state, county)
        # The stored county may be the ZIP code's main one, across a state line.
        if own is not None:
            return [own, *(name for name in names if name != own)]
        return names or [county]
    return names


@cache
def load_shared_counties() -> Mapping[str, tuple[County, ...]]:
    """The counties of ZIP codes that are in more than one county."""
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
    rows = load_rows().values()
    return {(state, fold_county(county)): county for _, _, state, county, *_ in rows if county}


@cache
def list_known_counties() -> Mapping[County, str]:
    """Like _list_usual_counties, plus counties that only the file of shared ZIP codes has."""
    shared: Iterable[County] = (each for found in load_shared_counties().values() for each in found)
    return {(state, fold_county(name)): name for state, name in shared} | dict(_list_usual_counties())


def find_county(state: str, county: str) -> str | None:
    """The usual spelling of a county in any spelling; None if the state has no such county."""
    return list_known_counties().get((state, fold_county(county)))


def zips_in_state(state: str) -> list[str]:
    """`state` is the two-letter code; sorted."""
    return sorted(zip_code for zip_code, _, each, *_ in load_rows().values() if each == state)


@cache
def list_states() -> frozenset[str]:
    """The two-letter codes in use: the states, DC, the territories and the military AA, AE and AP."""
    return frozenset(state for _, _, state, *_ in load_rows().values())

"""Service areas. Area and place are sets of keys; an area covers a place if the two sets intersect."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from distribution.engine.types import JsonObject, LeadFacts, unreadable
from routing.places.zips import distance_miles

PLACE_FIELDS = frozenset({"zip", "county", "counties", "state", "country"})
HOME = "US"  # the country of a lead whose facts name none
_NAMED = 3  # more entries of a kind than this are counted, not listed, in a trace


@dataclass(frozen=True, slots=True)
class Radius:
    zip: str
    miles: float
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Coverage:
    """Keys such as "zips:30312", "zip_prefixes:303", "counties:GA:fulton county", "states:GA", "countries:CA".

    The lead's fields and the area put the country before a place abroad: "states:CA-ON".
    """

    keys: frozenset[str]
    radius: tuple[Radius, ...]


@dataclass(frozen=True, slots=True)
class Area:
    """Where a buyer takes leads. An area that names nothing covers nothing."""

    everywhere: bool
    include: Coverage
    exclude: Coverage | None
    required: str
    problem: str | None = None  # why it cannot be read; it then covers nothing


@dataclass(frozen=True, slots=True)
class LeadPlace:
    """A lead's place, computed once for each decision."""

    keys: frozenset[str]
    latitude: float | None
    longitude: float | None
    observed: JsonObject


def lead_place(lead: LeadFacts) -> LeadPlace:
    observed = {name: lead.fields.get(name) for name in ("zip", "county", "state")}
    keys = _place_keys(observed, lead.fields.get("counties"))
    keys.add(f"countries:{lead.fields.get('country') or HOME}")
    return LeadPlace(frozenset(keys), lead.latitude, lead.longitude, observed)


def area_failure(area: Area, place: LeadPlace) -> JsonObject | None:
    """Return why the area does not cover the place, or None. An exclusion overrides every inclusion."""
    covered = area.everywhere or not area.include.keys.isdisjoint(place.keys)
    if covered and area.exclude is None:
        return None
    if area.problem is not None:
        return unreadable("outside_service_area", area.problem)
    beyond = None if covered else miles_beyond(area.include.radius, place)
    covered = covered or (beyond is not None and beyond <= 0)
    excluded = None if area.exclude is None else _exclusion(area.exclude, place)
    if covered and excluded is None:
        return None
    return {
        "gate": "outside_service_area",
        "required": area.required,
        "observed": place.observed,
        "fixed_at": None,
        "miles_beyond": None if covered or beyond is None else round(beyond, 2),
        "excluded": excluded,
    }


def miles_beyond(radii: Sequence[Radius], place: LeadPlace) -> float | None:
    """Miles from the place to the edge of the nearest circle, negative inside; None if unknown."""
    if not radii or place.latitude is None or place.longitude is None:
        return None
    return min(
        distance_miles(circle.latitude, circle.longitude, place.latitude, place.longitude) - circle.miles
        for circle in radii
    )


def _exclusion(exclude: Coverage, place: LeadPlace) -> JsonObject | None:
    hits = exclude.keys & place.keys
    if hits:
        kind, _, value = min(hits).partition(":")
        return {"kind": kind, "value": value}
    for circle in exclude.radius:
        beyond = miles_beyond((circle,), place)
        if beyond is not None and beyond <= 0:
            return {"kind": "radius", "value": circle.zip, "miles": circle.miles}
    return None


def _place_keys(place: Mapping[str, Any], counties: Any) -> set[str]:
    """`counties`: all counties of the ZIP code, if known."""
    keys = set()
    zip_code, county, state = place["zip"], place["county"], place["state"]
    if isinstance(zip_code, str) and zip_code:
        keys.add(f"zips:{zip_code}")
        keys.update(f"zip_prefixes:{zip_code[:length]}" for length in range(1, len(zip_code) + 1))
    if isinstance(state, str) and state:
        keys.add(f"states:{state.upper()}")
        named = counties if isinstance(counties, list | tuple) else [county]
        keys.update(f"counties:{county_key(state, each)}" for each in named if isinstance(each, str) and each)
    return keys


def county_key(state: str, county: str) -> str:
    return f"{state.upper()}:{county.casefold()}"


def describe_area(definition: Mapping[str, Any]) -> str:
    """One line for the trace: "GA, AL, 12 zips, 25 miles around 30312, without FL"."""
    included = "everywhere" if definition.get("everywhere") else _describe_coverage(definition)
    without = _describe_coverage(definition.get("exclude") or {})
    return f"{included or 'nowhere'}, without {without}" if without else included or "nowhere"


def _describe_coverage(definition: Mapping[str, Any]) -> str:
    kinds = ("countries", "states", "counties", "zips")
    parts = [_describe_kind(kind, definition.get(kind) or []) for kind in kinds]
    parts.append(
        _describe_kind("zip_prefixes", [f"{each}…" for each in definition.get("zip_prefixes") or []])
    )
    circles = [f"{circle['miles']} miles around {circle['zip']}" for circle in definition.get("radius") or []]
    parts.append(_describe_kind("circles", circles))
    return ", ".join(part for part in parts if part)


def _describe_kind(kind: str, names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= _NAMED else f"{len(names)} {kind.replace('_', ' ')}"

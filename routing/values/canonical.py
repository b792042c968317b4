"""The canonical form of each literal in a definition.

Leads are normalized at intake, so a literal in another form would never match, and an exclusion would exclude nothing.
Each function returns the canonical literal or raises LiteralError. Imports no Django.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Final, TypeAlias
from zoneinfo import available_timezones

import phonenumbers

from routing.calendar.zones import UnknownTimezone, load_zone
from routing.places.countries import HOME, TERRITORIES, abroad, split_abroad
from routing.places.regions import REGIONS
from routing.places.states import US_NAMES, find_state
from routing.places.zips import find_county, list_known_counties, list_states, load_rows
from routing.values.normalize import FieldError, normalize_country, normalize_vertical, normalize_zip

Canonical: TypeAlias = Callable[[str], str]

SLUG: Final = re.compile(r"[-a-zA-Z0-9_]+")
ZIP: Final = re.compile(r"[0-9]{5}")
ZIP_PLUS_FOUR: Final = re.compile(r"([0-9]{5})[- ]?[0-9]{4}")
# Abbreviations with a fixed offset: they have no daylight saving time, or mean several zones.
ABBREVIATIONS: Final = {
    "EST": "America/New_York, or America/Panama for no daylight saving time",
    "EDT": "America/New_York",
    "EASTERN": "America/New_York",
    "CST": "America/Chicago",
    "CDT": "America/Chicago",
    "CENTRAL": "America/Chicago",
    "MST": "America/Denver, or America/Phoenix for no daylight saving time",
    "MDT": "America/Denver",
    "MOUNTAIN": "America/Denver",
    "PST": "America/Los_Angeles",
    "PDT": "America/Los_Angeles",
    "PACIFIC": "America/Los_Angeles",
    "AKST": "America/Anchorage",
    "HST": "Pacific/Honolulu",
}
# Names without a place that have the same daylight saving time as the place.
SAME_ZONES: Final = {
    "EST5EDT": "America/New_York",
    "CST6CDT": "America/Chicago",
    "MST7MDT": "America/Denver",
    "PST8PDT": "America/Los_Angeles",
}
UTC_NAMES: Final = {"UTC": "UTC", "ETC/UTC": "Etc/UTC", "GMT": "UTC", "Z": "UTC", "ZULU": "UTC"}


class LiteralError(ValueError):
    """No lead can have this literal. The message says why, gives the fix, and quotes the literal."""


def read_state(text: str) -> str:
    """GA from ga, Georgia or US-GA; CA-ON outside the US."""
    plain = " ".join(text.split())
    country, rest = split_abroad(plain)
    if country != HOME and country not in TERRITORIES:
        _require_country(country)
        return abroad(country, find_state(rest, country=country) or rest.upper()) or ""
    code = rest.upper() if rest.upper() in list_states() else find_state(rest, country=HOME)
    if code is not None:
        return code
    names = {name.casefold(): each for each, name in US_NAMES.items()}
    near = difflib.get_close_matches(rest.casefold(), names, n=1)
    hint = (
        f"did you mean {names[near[0]]}?"
        if near
        else "use the two-letter code, like GA, or CA-ON outside the US"
    )
    raise LiteralError(f"{text!r} is not a state: {hint}")


def read_country(text: str) -> str:
    try:
        code = normalize_country(text)
    except FieldError:
        code = None
    if code is None:
        raise LiteralError(f"{text!r} is not a country: use the two-letter ISO 3166 code, like US")
    if code in TERRITORIES:
        raise LiteralError(f"{text!r} is part of the US: use the state {code}")
    return code


def read_zip(text: str) -> str:
    """30312; DE-30312 outside the US. Accepts unknown ZIP codes, which may be new."""
    plain = "".join(text.split())
    if ZIP.fullmatch(plain):
        return plain
    if matched := ZIP_PLUS_FOUR.fullmatch(plain):
        raise LiteralError(
            f"{text!r} is a ZIP+4 code, but leads have five-digit ZIP codes: write {matched[1]}"
        )
    country, rest = split_abroad(text.strip())
    if country == HOME:
        raise LiteralError(
            f"{text!r} is not a ZIP code: write five digits, like 30312, or DE-30312 outside the US"
        )
    _require_country(country)
    try:
        return abroad(country, normalize_zip(rest, country=country)) or ""
    except FieldError as error:
        raise LiteralError(f"{text!r} {error.message}") from None


def read_zip_prefix(text: str) -> str:
    """303 from 303*; DE-30 outside the US."""
    plain = "".join(text.split()).rstrip("*%…").removesuffix("...")
    country, rest = split_abroad(plain)
    if country != HOME:
        _require_country(country)
        return abroad(country, rest.upper()) or ""
    if not re.fullmatch(r"[0-9]{1,5}", plain):
        raise LiteralError(
            f"{text!r} is not the start of a ZIP code: write 1 to 5 digits, like 303, or DE-30 outside the US"
        )
    if len(plain) < 5 and plain not in _list_prefixes():
        raise LiteralError(f"{text!r}: no ZIP code starts with it")
    return plain


def read_county(text: str) -> str:
    """The form of a service area: GA:Fulton County from GA:Fulton, Georgia:fulton county or "Fulton County, GA"."""
    state, colon, name = text.partition(":")
    if not colon:
        name, colon, state = text.rpartition(",")
    if not colon or not name.strip() or not state.strip():
        raise LiteralError(f"{text!r} must be a state and a county, like GA:Fulton County")
    code = read_state(state)
    if "-" in code:
        raise LiteralError(f"{text!r}: counties are supported only in the US: use the state {code}")
    return f"{code}:{_find_county(name, states=[code], text=text)}"


def read_county_name(text: str) -> str:
    """The form of a condition, without a state."""
    return _find_county(text, states=sorted(list_states()), text=text)


def _find_county(name: str, *, states: Iterable[str], text: str) -> str:
    name = " ".join(name.split())
    exact = [find_county(state, name) for state in states]
    longer = [find_county(state, f"{name} {ending}") for state in states for ending in COUNTY_ENDINGS]
    found = sorted({each for each in (exact if any(exact) else longer) if each is not None})
    if len(found) == 1:
        return found[0]
    if found:
        raise LiteralError(f"{text!r} could be {' or '.join(found)}: write which one")
    known_names = sorted({known for (state, _), known in list_known_counties().items() if state in states})
    near = [
        *difflib.get_close_matches(name.title(), known_names, n=1),
        *difflib.get_close_matches(f"{name.title()} County", known_names, n=1, cutoff=0.8),
    ]
    hint = f"did you mean {near[0]}?" if near else "write the full name, like Fulton County"
    raise LiteralError(f"{text!r} is not a county: {hint}")


COUNTY_ENDINGS: Final = ("County", "Parish", "city", "Borough", "Municipio", "Municipality", "Census Area")


def read_vertical(text: str) -> str:
    try:
        vertical = normalize_vertical(text)
    except FieldError as error:
        raise LiteralError(f"{text!r} {error.message}") from None
    if vertical is None or not vertical.strip("_"):
        raise LiteralError(f"{text!r} has no letter or digit: write a vertical like roofing")
    return vertical


def read_region(text: str) -> str:
    """A Census region in any letter case; a sender may also use its own regions."""
    return next((region for region in REGIONS if region.casefold() == text.strip().casefold()), text.strip())


def read_source(text: str) -> str:
    if not SLUG.fullmatch(text.strip()):
        raise LiteralError(f"{text!r} is not a source name: use letters, digits, - and _")
    return text.strip()


def read_plain(text: str) -> str:
    plain = " ".join(text.split())
    if not plain:
        raise LiteralError("is empty: remove it, or check whether the field is missing")
    return plain


def read_timezone(text: str) -> str:
    """An IANA name of a place. Abbreviations have the same offset all year, or mean several zones."""
    plain = text.strip().replace(" ", "_")
    if found := UTC_NAMES.get(plain.upper()) or SAME_ZONES.get(plain.upper()):
        return found
    if fix := ABBREVIATIONS.get(plain.upper()):
        raise LiteralError(f"{text!r} is an abbreviation: write {fix}")
    if plain.upper().startswith("ETC/"):
        raise LiteralError(f"{text!r} has the same UTC offset all year: use a place, like America/New_York")
    name = plain if _is_place(plain) else _fold_zones().get(plain.casefold(), plain)
    if _is_place(name):
        return name
    near = difflib.get_close_matches(plain, _fold_zones().values(), n=1)
    hint = f"did you mean {near[0]}?" if near else "use an IANA name like America/New_York"
    raise LiteralError(f"unknown time zone: {hint}")


def _is_place(name: str) -> bool:
    try:
        return "/" in name and load_zone(name).key == name
    except UnknownTimezone:
        return False


@cache
def _fold_zones() -> Mapping[str, str]:
    names = (name for name in available_timezones() if "/" in name and not name.startswith("Etc/"))
    return {name.casefold(): name for name in names}


@cache
def _list_prefixes() -> frozenset[str]:
    return frozenset(zip_code[:length] for zip_code in load_rows() for length in range(1, 5))


def _require_country(code: str) -> None:
    if code not in phonenumbers.SUPPORTED_REGIONS:
        raise LiteralError(f"{code!r} is not a country: use the two-letter ISO 3166 code before the dash")

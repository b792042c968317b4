"""Reads where a lead is: country, postal code, state and city, checked against each other and the ZIP code table."""

from functools import partial
from typing import Any

from routing.intake.corrections import ASSUMED, CORRECTED, UNKNOWN
from routing.intake.reader import FieldReader
from routing.places.countries import HOME, find_home_state
from routing.places.zips import Place, find_place, list_states_of, list_states_of_prefix, name_counties
from routing.values.lenient import as_shorter, as_state, as_text, as_zip
from routing.values.normalize import (
    CANADIAN_CODE,
    MAX_NAME,
    FieldError,
    normalize_country,
    normalize_name,
    normalize_state,
    normalize_zip,
)

shorten_name = partial(as_shorter, max_length=MAX_NAME)


def read_location(reader: FieldReader) -> dict[str, Any]:
    """Return country, zip, state, city and county. Problems and corrections go into the reader."""
    country = reader.read("country", normalize_country, loosen=as_text, is_needed=True)
    country = country or _guess_country(reader)
    zip_code = _read_zip(reader, country=country)
    reader.require("zip", zip_code, fix="send the five-digit ZIP code")
    normalize = partial(normalize_state, country=country)
    state = reader.read("state", normalize, loosen=partial(as_state, country=country))
    home_state = None if country == HOME else find_home_state(country, zip_code=zip_code, state=state)
    if home_state is not None:
        country, state = HOME, home_state
        zip_code = _read_zip_again(reader) if zip_code else None
    city = reader.read("city", normalize_name, loosen=shorten_name)
    place = find_place(zip_code) if zip_code and country == HOME else None
    if place is None:
        if zip_code and country == HOME:
            state = _place_new_zip(reader, zip_code, state=state)
        return {"country": country, "zip": zip_code, "state": state, "city": city, "county": None}
    state = _resolve_state(reader, state=state, place=place)
    counties = name_counties(place.zip, state=state, county=None)
    return {
        "country": country,
        "zip": zip_code,
        "state": state,
        "city": city or place.city,
        "county": place.county if state == place.state else next(iter(counties), None),
    }


def _read_zip(reader: FieldReader, *, country: str) -> str | None:
    loosen = partial(as_zip, state=reader.payload.get("state")) if country == HOME else as_text
    return reader.read("zip", partial(normalize_zip, country=country), loosen=loosen, is_needed=True)


def _read_zip_again(reader: FieldReader) -> str | None:
    """Read the value as a US ZIP code after the given country turned out to be a US state."""
    if reader.corrections is not None:
        reader.corrections.forget("zip")
    return _read_zip(reader, country=HOME)


def _place_new_zip(reader: FieldReader, zip_code: str, *, state: str | None) -> str | None:
    """Return the given state or, without one, the only state of ZIP codes that start with the same three digits."""
    states = list_states_of_prefix(zip_code[:3])
    state = state or (states[0] if len(states) == 1 else None)
    message = "is not in the ZIP code table: kept, but its location is unknown" + (
        f" beyond {state}" if state else ""
    )
    reader.correct("zip", UNKNOWN, message)
    return state


def _resolve_state(reader: FieldReader, *, state: str | None, place: Place) -> str:
    """The lead's own state if the ZIP code is partly in it; otherwise the main state of the ZIP code."""
    if not state:
        return place.state
    states = list_states_of(place.zip)
    if state in states:
        return state
    mismatch = f"does not match the ZIP code, which is in {' and '.join(states)}"
    if reader.corrections is None:
        fix = f"{mismatch}: correct one of the two"
        reader.add("state", FieldError("mismatch", fix))
    else:
        message = f"{mismatch}: read as {place.state}"
        reader.correct("state", CORRECTED, message, received=reader.payload.get("state"))
    return place.state


def _guess_country(reader: FieldReader) -> str:
    """Without a country, a lead is from the US unless its postal code can only be Canadian."""
    code = reader.payload.get("zip")
    is_canadian = isinstance(code, str) and CANADIAN_CODE.fullmatch(code.strip()) is not None
    if reader.corrections is None or not is_canadian:
        return HOME
    reader.correct("country", ASSUMED, "is missing and the postal code is Canadian: read as CA")
    return "CA"

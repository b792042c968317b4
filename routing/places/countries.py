"""Which postal country a lead is in, and how conditions and service areas name its place.

US places have their usual names: state GA, ZIP code 30312. Other places are prefixed with their country, as in ISO
3166-2: state CA-ON, postal code DE-30312. So a name without a country always means the US, and a lead from another
country never matches it by chance. Imports no Django.
"""

from typing import Final, NamedTuple

from routing.places.zips import find_place

HOME: Final = "US"
# They have country codes of their own, but the US Postal Service delivers there by ZIP code and state.
TERRITORIES: Final = frozenset({"PR", "GU", "VI", "AS", "MP", "FM", "MH", "PW"})
# AE is also a country: the United Arab Emirates, which have no postal codes.
MILITARY: Final = frozenset({"AA", "AE", "AP"})


class PlaceNames(NamedTuple):
    """None means unknown."""

    country: str
    state: str | None
    zip: str | None
    city: str | None


def find_home_state(country: str, *, zip_code: str | None, state: str | None) -> str | None:
    """The US state that was given as a country: PR for Puerto Rico, AE for the armed forces. Otherwise None."""
    if country in TERRITORIES:
        return country
    if country not in MILITARY:
        return None
    place = find_place(zip_code) if zip_code else None
    is_military = state == country or (place is not None and place.state == country)
    return country if is_military or country != "AE" else None


def is_home(country: str, *, zip_code: str | None, state: str | None) -> bool:
    """True for states, territories and military addresses in any spelling."""
    return country in ("", HOME) or find_home_state(country, zip_code=zip_code, state=state) is not None


def name_place(*, country: str, state: str | None, zip_code: str | None, city: str | None) -> PlaceNames:
    if country in ("", HOME):
        return PlaceNames(HOME, state, zip_code, city)
    home_state = find_home_state(country, zip_code=zip_code, state=state)
    if home_state is not None:
        return PlaceNames(HOME, home_state, zip_code, city)
    return PlaceNames(country, *(abroad(country, each) for each in (state, zip_code, city)))


def abroad(country: str, name: str | None) -> str | None:
    """ON in CA becomes CA-ON; a name that already has the prefix is unchanged."""
    return name if not name or name.startswith(f"{country}-") else f"{country}-{name}"


def split_abroad(name: str) -> tuple[str, str]:
    """The country and the rest of CA-ON; ("US", name) for a name without a country."""
    country, dash, rest = name.partition("-")
    is_country = len(country) == 2 and country.isascii() and country.isalpha() and bool(dash and rest)
    return (country.upper(), rest) if is_country else (HOME, name)

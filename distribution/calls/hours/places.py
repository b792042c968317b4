"""Where a lead may be: every state and time zone of its ZIP code, and of the area code of its phone.

Both count, because a phone keeps its area code when its owner moves. Nobody is called if one of the two is unknown.
Reads only the first three digits of the phone number.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, TypeAlias

from distribution.calls.hours.area_codes import AreaCode, find_area_code, read_area_code
from routing.places.countries import HOME, is_home
from routing.places.zips import find_place, list_states_of

ZIP_LENGTH: Final = 5


class Place(NamedTuple):
    """`state` is empty where the country has none. `zone` is an IANA name."""

    country: str
    state: str
    zone: str


Places: TypeAlias = tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Unplaced:
    """The local time of the lead is not known, so it must not be called. `text` names no part of phone or ZIP code."""

    text: str
    code: Literal["no_timezone"] = "no_timezone"


NO_ZIP: Final = Unplaced("The lead has no ZIP code.")
ABROAD: Final = Unplaced("The lead's address is outside the United States.")
UNKNOWN_ZIP: Final = Unplaced("The time zone of the lead's ZIP code is unknown.")
FOREIGN_PHONE: Final = Unplaced("The phone number is not from the United States.")
UNKNOWN_AREA_CODE: Final = Unplaced(
    "The phone's area code belongs to no place, as that of a toll-free number, so its time zone is not known."
)


def find_places(zip_code: str, *, country: str, phone: str) -> Places | Unplaced:
    """Every place that counts, without duplicates. `phone` is in E.164."""
    home = find_home_places(zip_code, country=country)
    if isinstance(home, Unplaced):
        return home
    code = read_area_code(phone)
    if code is None:
        return FOREIGN_PHONE
    area = find_area_code(code)
    return UNKNOWN_AREA_CODE if area is None else tuple(dict.fromkeys((*home, *_list_places(area))))


def find_home_places(zip_code: str, *, country: str) -> Places | Unplaced:
    """Those of the ZIP code."""
    if not is_home(country, zip_code=zip_code, state=None):
        return ABROAD
    if not zip_code:
        return NO_ZIP
    found = find_place(zip_code[:ZIP_LENGTH])
    if found is None or found.timezone is None:
        return UNKNOWN_ZIP
    return tuple(Place(HOME, state, found.timezone) for state in list_states_of(found.zip))


def _list_places(area: AreaCode) -> Iterator[Place]:
    for state in area.states or ("",):
        for zone in area.zones:
            yield Place(area.country, state, zone)

"""Local presence: how near a channel's number looks to the person who is called."""

from collections.abc import Collection, Iterable
from enum import IntEnum

from distribution.calls.hours.area_codes import find_area_code


class Presence(IntEnum):
    """The lower, the better."""

    SAME_AREA_CODE = 0
    SAME_STATE = 1
    NONE = 2


def is_local(area_code: str, *, state: str) -> bool:
    """True if the area code is one of this US state."""
    area = find_area_code(area_code)
    return area is not None and area.country == "US" and state in area.states


def rank_presence(
    area_codes: Iterable[str], *, lead_area_code: str | None, lead_states: Collection[str]
) -> Presence:
    """The best that a channel with these area codes offers a lead in these US states."""
    codes = set(area_codes)
    if lead_area_code in codes:
        return Presence.SAME_AREA_CODE
    has_state = any(is_local(code, state=state) for code in codes for state in lead_states)
    return Presence.SAME_STATE if has_state else Presence.NONE

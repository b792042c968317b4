"""Area codes of the North American Numbering Plan: the country, states and time zones of each.

Toll-free and other codes without a place are unknown here. Read from data/area_codes.txt on first use.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

AREA_CODES_FILE: Final = Path(__file__).parent / "data/area_codes.txt"
_PHONE: Final = re.compile(r"\+1([2-9]\d{2})[2-9]\d{6}", re.ASCII)
_NO_STATES: Final = "-"


class AreaCode(NamedTuple):
    """Each combination of its states and zones may be where the phone is."""

    code: str
    country: str
    states: tuple[str, ...]
    zones: tuple[str, ...]


def read_area_code(phone: str) -> str | None:
    """The area code of +14045550123; None for numbers of other countries and all other text."""
    found = _PHONE.fullmatch(phone)
    return None if found is None else found[1]


def find_area_code(code: str) -> AreaCode | None:
    return load_area_codes().get(code)


@cache
def load_area_codes() -> Mapping[str, AreaCode]:
    lines = AREA_CODES_FILE.read_text(encoding="utf-8").splitlines()
    rows = (_parse(line) for line in lines if not line.startswith("#"))
    return {row.code: row for row in rows}


def _parse(line: str) -> AreaCode:
    code, country, states, *zones = line.split(" ")
    return AreaCode(code, country, () if states == _NO_STATES else tuple(states.split(",")), tuple(zones))

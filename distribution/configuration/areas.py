"""What a service area may contain, and in what form. Pure.

The engine ignores unknown keys and compares literals exactly, so a mistake would have no visible effect. This module
finds such mistakes when an area is saved.
"""

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from distribution.engine.area import county_key
from routing.conditions import Rewrite
from routing.values.canonical import (
    LiteralError,
    read_country,
    read_county,
    read_state,
    read_zip,
    read_zip_prefix,
)

READERS: Final[Mapping[str, Callable[[str], str]]] = {
    "countries": read_country,
    "states": read_state,
    "counties": read_county,
    "zip_prefixes": read_zip_prefix,
    "zips": read_zip,
}
CIRCLE_KEYS: Final = ("zip", "miles")
COVERAGE_KEYS: Final = (*READERS, "radius")
AREA_KEYS: Final = ("everywhere", *COVERAGE_KEYS, "exclude")


@dataclass(frozen=True, slots=True)
class AreaReading:
    """`area` has its literals in the standard form. `rewrites`: the changes. `problems`: what no lead can match."""

    area: Any
    rewrites: Sequence[Rewrite]
    problems: Sequence[str]


def read_area(area: Any) -> AreaReading:
    """Never raises: the engine's own check reports malformed parts."""
    if not isinstance(area, dict):
        return AreaReading(area, (), ())
    rewrites: list[Rewrite] = []
    problems = list(find_unknown_keys(area, known=AREA_KEYS, path=""))
    read = _read_coverage(area, "", rewrites, problems)
    exclude = area.get("exclude")
    if isinstance(exclude, dict):
        problems += find_unknown_keys(exclude, known=COVERAGE_KEYS, path="exclude")
        read["exclude"] = _read_coverage(exclude, "exclude.", rewrites, problems)
    return AreaReading(read, rewrites, problems)


def _read_coverage(
    coverage: Mapping[str, Any], prefix: str, rewrites: list[Rewrite], problems: list[str]
) -> dict[str, Any]:
    read = dict(coverage)
    for kind, reader in READERS.items():
        if isinstance(coverage.get(kind), list):
            read[kind] = [
                _read_literal(each, reader, f"{prefix}{kind}[{index}]", rewrites, problems)
                for index, each in enumerate(coverage[kind])
            ]
    circles = coverage.get("radius")
    if isinstance(circles, list):
        read["radius"] = [
            _read_circle(circle, f"{prefix}radius[{index}]", rewrites, problems)
            for index, circle in enumerate(circles)
        ]
    return read


def _read_circle(circle: Any, path: str, rewrites: list[Rewrite], problems: list[str]) -> Any:
    if not isinstance(circle, dict):
        return circle
    problems += find_unknown_keys(circle, known=CIRCLE_KEYS, path=path)
    if "zip" not in circle:
        return circle
    return {**circle, "zip": _read_literal(circle["zip"], read_zip, f"{path}.zip", rewrites, problems)}


def _read_literal(
    literal: Any, reader: Callable[[str], str], path: str, rewrites: list[Rewrite], problems: list[str]
) -> Any:
    is_zip_number = reader is read_zip and type(literal) is int and 10_000 <= literal <= 99_999
    if not is_zip_number and (not isinstance(literal, str) or not literal):
        return literal
    try:
        now = reader(str(literal))
    except LiteralError as error:
        problems.append(f"{path}: {error}")
        return literal
    if now != literal:
        rewrites.append(Rewrite(path, literal, now))
    return now


def find_misspelled(rewrites: Sequence[Rewrite]) -> Iterator[str]:
    """Yield the literals that the engine would never match as written. It ignores case in states and counties."""
    for each in rewrites:
        if not isinstance(each.was, str) or _fold(each.was) != _fold(each.now):
            yield f"{each.path}: {each.was!r} never matches: write {each.now!r}"


def _fold(literal: str) -> str:
    state, colon, county = literal.partition(":")
    return county_key(state, county) if colon else literal.upper()


def find_unknown_keys(value: Mapping[str, Any], *, known: Sequence[str], path: str) -> Iterator[str]:
    for key in value:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(known)}"
            yield f"{path}.{key}: unknown key: {hint}" if path else f"{key}: unknown key: {hint}"

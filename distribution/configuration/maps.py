"""A small map of covered ZIPs: dots over the dots of all ZIPs, drawn on the server."""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from distribution.configuration.coverage import MeasuredCoverage, measure_coverage
from routing.places.zips import load_rows

WEST, EAST, SOUTH, NORTH = -125.0, -66.5, 24.3, 49.5
WIDTH, HEIGHT = 480, 270
MAX_DOTS: Final = 4_000
# A small area is drawn larger, but the map always spans at least this many degrees from west to east.
MIN_DEGREES: Final = 7.0
ROOM: Final = 1.6


class MapWindow(NamedTuple):
    """What the map shows, in its own units: x and y from the upper left corner of the country."""

    x: int
    y: int
    width: int
    height: int


WHOLE: Final = MapWindow(0, 0, WIDTH, HEIGHT)


def draw_area(area: Mapping[str, Any] | None) -> SafeString:
    """Nothing for an area that covers nothing. Raises DefinitionError."""
    return _draw_once(json.dumps(area or {}, sort_keys=True))[1]


def draw_coverage(area: Mapping[str, Any]) -> SafeString:
    """The map and its numbers in words, for people who cannot see the map.

    Nothing for an area that covers nothing. Raises DefinitionError.
    """
    zips, drawn = _draw_once(json.dumps(area, sort_keys=True))
    if zips == 0:
        return SafeString()
    return format_html('<p class="admin-line">Covers <strong>{}</strong> ZIPs.</p>{}', f"{zips:,}", drawn)


@lru_cache(maxsize=64)
def _draw_once(area: str) -> tuple[int, SafeString]:
    """How many ZIPs, and the map. The whole country takes a third of a second."""
    coverage = measure_coverage(json.loads(area))
    return coverage.zips, _draw(coverage) if coverage.zips else SafeString()


def _draw(coverage: MeasuredCoverage) -> SafeString:
    dots = [_place(east, north) for east, north in coverage.points if _is_mainland(east, north)]
    window = _fit(dots)
    rows = format_html_join("", "<li>{}: {}</li>", coverage.counties)
    more = f"and {coverage.more_counties:,} more counties" if coverage.more_counties else ""
    return format_html(
        '<svg class="admin-map" viewBox="{} {} {} {}" role="img" aria-label="Map of the covered ZIPs">'
        '<path class="admin-land" d="{}"/><path class="admin-covered" d="{}"/></svg>'
        '<ul class="admin-counties">{}</ul><p>{}</p>',
        *(*window, _land(window), _path(_thin(dots)), rows, more),
    )


def _is_mainland(east: float, north: float) -> bool:
    return WEST <= east <= EAST and SOUTH <= north <= NORTH


def _place(east: float, north: float) -> tuple[float, float]:
    return (east - WEST) / (EAST - WEST) * WIDTH, (NORTH - north) / (NORTH - SOUTH) * HEIGHT


def _fit(dots: Sequence[tuple[float, float]]) -> MapWindow:
    """The dots with some room around them, in the shape of the whole map."""
    if not dots:
        return WHOLE
    (left, right), (top, bottom) = ((min(axis), max(axis)) for axis in zip(*dots, strict=True))
    least = MIN_DEGREES / (EAST - WEST) * WIDTH
    width = max(least, ROOM * (right - left), ROOM * (bottom - top) * WIDTH / HEIGHT)
    if width >= WIDTH:
        return WHOLE
    height = width * HEIGHT / WIDTH
    return MapWindow(*map(round, ((left + right - width) / 2, (top + bottom - height) / 2, width, height)))


@lru_cache(maxsize=64)
def _land(window: MapWindow) -> str:
    places = [
        _place(row[6], row[5]) for row in load_rows().values() if row[5] is not None and row[6] is not None
    ]
    x, y, width, height = window
    return _path(_thin([dot for dot in places if x <= dot[0] <= x + width and y <= dot[1] <= y + height]))


def _thin(dots: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    return dots[:: max(1, -(-len(dots) // MAX_DOTS))]


def _path(dots: Iterable[tuple[float, float]]) -> str:
    """Each dot is a line of zero length with round ends."""
    return "".join(f"M{x:.1f} {y:.1f}h0" for x, y in dots)

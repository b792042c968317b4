"""A small map of covered ZIPs: dots over the dots of all ZIPs, drawn on the server."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from distribution.coverage import Coverage, measure_coverage
from routing.places import load_rows

WEST, EAST, SOUTH, NORTH = -125.0, -66.5, 24.3, 49.5
WIDTH, HEIGHT = 480, 270
MOST_DOTS: Final = 4_000
LAND_EVERY: Final = 15


def draw_area(area: Mapping[str, Any] | None) -> SafeString:
    """Nothing for an area that covers nothing."""
    coverage = measure_coverage(area or {})
    return _draw(coverage) if coverage.zips else SafeString()


def draw_coverage(coverage: Coverage) -> SafeString:
    """The map and the numbers in words, so that the map is no one's only way to them."""
    line = '<p class="desk-line">Covers <strong>{}</strong> ZIPs.</p>{}'
    return format_html(line, f"{coverage.zips:,}", _draw(coverage))


def _draw(coverage: Coverage) -> SafeString:
    rows = format_html_join("", "<li>{}: {}</li>", coverage.counties)
    more = f"and {coverage.more_counties:,} more counties" if coverage.more_counties else ""
    return format_html(
        '<svg class="desk-map" viewBox="0 0 {} {}" role="img" aria-label="Map of the covered ZIPs">'
        '<path class="desk-land" d="{}"/><path class="desk-covered" d="{}"/></svg>'
        '<ul class="desk-counties">{}</ul><p>{}</p>',
        *(WIDTH, HEIGHT, _land(), _path(_thin(coverage.points)), rows, more),
    )


@cache
def _land() -> str:
    rows = list(load_rows().values())[::LAND_EVERY]
    return _path((row[6], row[5]) for row in rows if row[5] is not None and row[6] is not None)


def _thin(points: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    return points[:: max(1, len(points) // MOST_DOTS)]


def _path(points: Iterable[tuple[float, float]]) -> str:
    """Each dot is a line of no length with round ends. Places off the mainland are not drawn."""
    return "".join(
        f"M{(east - WEST) / (EAST - WEST) * WIDTH:.0f} {(NORTH - north) / (NORTH - SOUTH) * HEIGHT:.0f}h0"
        for east, north in points
        if WEST <= east <= EAST and SOUTH <= north <= NORTH
    )

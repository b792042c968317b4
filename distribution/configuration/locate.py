"""Adds coordinates to the circles of service areas, because the engine looks nothing up.

A circle around a ZIP code without a known location gets none. The engine reports this for its owner.
"""

from collections.abc import Mapping
from typing import Any

from routing.places.zips import find_place


def locate_area(area: Any) -> Any:
    """Return a copy of the area in which each circle has `latitude` and `longitude`. Never raises."""
    if not isinstance(area, Mapping):
        return area
    located = _locate(area)
    if isinstance(area.get("exclude"), dict):
        located["exclude"] = _locate(area["exclude"])
    return located


def _locate(coverage: Mapping[str, Any]) -> dict[str, Any]:
    circles = coverage.get("radius")
    if not isinstance(circles, list):
        return dict(coverage)
    return {**coverage, "radius": [_place(circle) for circle in circles]}


def _place(circle: Any) -> Any:
    if not isinstance(circle, dict) or not isinstance(circle.get("zip"), str):
        return circle  # the engine's own check reports the problem
    place = find_place(circle["zip"])
    return {
        **circle,
        "latitude": place.latitude if place else None,
        "longitude": place.longitude if place else None,
    }

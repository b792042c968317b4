"""Puts coordinates to the circles of service areas: the engine itself looks nothing up."""

from collections.abc import Mapping
from typing import Any

from routing.places import find_place


class UnknownZip(ValueError):
    """A circle's centre is no ZIP code with a known place."""


def locate_area(area: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of the area in which each circle has `latitude` and `longitude`. Raises UnknownZip."""
    located = _locate(area, path="radius")
    if isinstance(area.get("exclude"), dict):
        located["exclude"] = _locate(area["exclude"], path="exclude.radius")
    return located


def _locate(coverage: Mapping[str, Any], *, path: str) -> dict[str, Any]:
    circles = coverage.get("radius")
    if not isinstance(circles, list):
        return dict(coverage)
    return {
        **coverage,
        "radius": [_place(circle, path=f"{path}[{index}]") for index, circle in enumerate(circles)],
    }


def _place(circle: Any, *, path: str) -> Any:
    if not isinstance(circle, dict) or not isinstance(circle.get("zip"), str):
        return circle  # the engine's own check says what is wrong with it
    place = find_place(circle["zip"])
    if place is None or place.latitude is None or place.longitude is None:
        message = (
            f"{path}.zip: {circle['zip']!r} is no US ZIP code with a known place; use another one nearby"
        )
        raise UnknownZip(message)
    return {**circle, "latitude": place.latitude, "longitude": place.longitude}

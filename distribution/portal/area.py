"""The service area: what it covers, in words and on a map."""

from collections.abc import Mapping
from typing import Any, Final

from django.http import HttpRequest, HttpResponse

from distribution.configuration.maps import draw_coverage
from distribution.engine import DefinitionError
from distribution.portal.pages import PortalPage
from tracing.wording import count

MAX_LISTED: Final = 40
PARTS: Final = (
    ("countries", "Countries"),
    ("states", "States"),
    ("counties", "Counties"),
    ("zips", "ZIP codes"),
    ("zip_prefixes", "ZIP codes that begin with"),
)


class AreaPage(PortalPage):
    section = "portal-settings"

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - the signature is Django's
        area = self.buyer.service_area
        context = {"coverage": _draw(area), "parts": list_parts(area), "excluded": _list_excluded(area)}
        return self.show_page("area", context)


def _draw(area: Mapping[str, Any]) -> str:
    """Blank for an area that covers nothing or cannot be read: the page says so."""
    try:
        return draw_coverage(area)
    except DefinitionError:
        return ""


def list_parts(area: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Each kind of place with what is in it. Parts that cannot be read are left out."""
    parts = [("Everywhere", "all places")] if area.get("everywhere") is True else []
    for key, label in PARTS:
        places = area.get(key)
        if isinstance(places, list) and places:
            parts.append((label, _join(places)))
    circles = area.get("radius")
    if isinstance(circles, list) and circles:
        parts.append(("Around", "; ".join(_describe_circle(each) for each in circles[:MAX_LISTED])))
    return parts


def _list_excluded(area: Mapping[str, Any]) -> list[tuple[str, str]]:
    excluded = area.get("exclude")
    return list_parts(excluded) if isinstance(excluded, dict) else []


def _join(places: list[Any]) -> str:
    shown = ", ".join(str(each).replace(":", ": ") for each in places[:MAX_LISTED])
    more = len(places) - MAX_LISTED
    return f"{shown} and {count(more, 'more', 'more')}" if more > 0 else shown


def _describe_circle(circle: object) -> str:
    if not isinstance(circle, dict):
        return "not readable"
    return f"{circle.get('miles')} miles around {circle.get('zip')}"

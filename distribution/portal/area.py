"""The service area: what it covers, in words and on a map."""

from collections.abc import Mapping
from typing import Any, Final

from django.http import HttpRequest, HttpResponse

from distribution.configuration.maps import draw_coverage
from distribution.engine import DefinitionError
from distribution.portal.area_form import AreaForm, count_circles, read_area_values
from distribution.portal.changes import ChangePage
from distribution.selfservice.change import Author, Outcome, change_account, read_version
from distribution.selfservice.settings import AREA
from tracing.wording import count

MAX_LISTED: Final = 40
PARTS: Final = (
    ("countries", "Countries"),
    ("states", "States"),
    ("counties", "Counties"),
    ("zips", "ZIP codes"),
    ("zip_prefixes", "ZIP codes that begin with"),
)


class AreaPage(ChangePage):
    """The map shows the stored area, not what is being typed."""

    template = "area"

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - the signature is Django's
        return self.show_form(self.make_form())

    def post(self, request: HttpRequest) -> HttpResponse:
        return self.save(request.POST)

    def make_form(self, data: Any = None) -> AreaForm:
        area = self.buyer.service_area
        if data is not None:
            return AreaForm(data, circles=count_circles(area))
        version = read_version(self.buyer, part=AREA)
        initial = {"version": version, **read_area_values(area)}
        return AreaForm(initial=initial, circles=count_circles(area))

    def change(self, patch: dict[str, Any], *, version: str, by: Author) -> Outcome:
        return change_account(self.buyer, part=AREA, patch=patch, by=by, if_match=version)

    def describe(self) -> dict[str, Any]:
        area = self.buyer.service_area
        return {"coverage": _draw(area), "parts": list_parts(area), "excluded": _list_excluded(area)}


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

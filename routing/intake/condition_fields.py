"""The fields of a lead that conditions can read. Contact fields never become condition fields."""

from collections.abc import Mapping
from typing import Any, Final, Protocol

from routing.intake.consent import has_proof
from routing.places.countries import HOME, PlaceNames, name_place
from routing.places.regions import find_region
from routing.places.zips import name_counties
from routing.values.attributes import flatten_attributes
from routing.values.canonical import read_region

# Attributes that conditions may also name without the prefix.
COMPANY_FIELDS: Final = ("industry", "company_size", "revenue")


class HasConditionFields(Protocol):
    """What conditions can read: a CleanLead, or a stored lead with the same fields."""

    @property
    def zip(self) -> str: ...
    @property
    def state(self) -> str | None: ...
    @property
    def country(self) -> str: ...
    @property
    def county(self) -> str | None: ...
    @property
    def city(self) -> str | None: ...
    @property
    def vertical(self) -> str: ...
    @property
    def attributes(self) -> Mapping[str, Any]: ...
    @property
    def consent(self) -> object: ...


def condition_fields(lead: HasConditionFields, *, source: str) -> dict[str, Any]:
    """The fields that conditions see, without blank ones. `source` is the name of the source.

    Places outside the US are prefixed with their country. `counties` are all counties of the ZIP code; `county` is the
    main one. The region is the sender's own attribute or, without one, the Census region of the state.
    """
    fields = flatten_attributes(lead.attributes)
    fields["consent"] = has_proof(lead.consent)
    place = name_place(country=lead.country, state=lead.state, zip_code=lead.zip, city=lead.city)
    counties = name_counties(lead.zip, state=place.state, county=lead.county) if place.country == HOME else []
    named = (
        ("zip", place.zip),
        ("state", place.state),
        ("country", place.country),
        ("county", counties[0] if counties else None),
        ("counties", counties),
        ("city", place.city),
        ("vertical", lead.vertical),
        ("source", source),
        ("region", _name_region(fields.get("attributes.region"), place)),
        *((name, fields.get(f"attributes.{name}")) for name in COMPANY_FIELDS),
    )
    fields.update((name, value) for name, value in named if value not in (None, "", []))
    return fields


def _name_region(sent: Any, place: PlaceNames) -> Any:
    if not sent:
        return find_region(place.state, country=place.country)
    return read_region(sent) if isinstance(sent, str) else sent

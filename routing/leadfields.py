"""One lead as it comes in, checked as a whole: every problem at once, nothing filled in but what a ZIP says.

Knows no source, database or clock. Contact fields never become condition fields.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import ip_address
from typing import Any, Protocol
from urllib.parse import urlsplit

from routing.attributes import find_attribute_problems, flatten_attributes
from routing.conditions import KnownFields
from routing.countries import HOME, find_home_state, name_place
from routing.fieldreader import Errors, FieldReader
from routing.normalise import (
    FieldError,
    normalise_block,
    normalise_country,
    normalise_email,
    normalise_name,
    normalise_phone,
    normalise_state,
    normalise_text,
    normalise_vertical,
    normalise_zip,
)
from routing.places import find_place, name_counties
from routing.regions import find_region

CONTACT_KEYS = ("first_name", "last_name", "email", "phone", "address", "city")
LEAD_KEYS = (*CONTACT_KEYS, "state", "country", "zip", "vertical", "attributes", "consent", "external_id")
CONSENT_KEYS = ("given_at", "text", "ip", "url", "token")
MAX_CLOCK_SKEW = timedelta(minutes=5)

CONDITION_FIELDS = KnownFields(
    kinds={
        "zip": "text",
        "state": "text",
        "country": "text",
        "county": "text",
        "counties": "text",
        "city": "text",
        "vertical": "text",
        "source": "text",
        "consent": "flag",
        "region": "text",
        "industry": "text",
        "company_size": "number",
        "revenue": "number",
    }
)
# What a sender puts among the attributes, and conditions may also name without their prefix.
COMPANY_FIELDS = ("industry", "company_size", "revenue")

normalise_address = partial(normalise_text, max_length=200)
normalise_external_id = partial(normalise_text, max_length=100)
normalise_token = partial(normalise_text, max_length=500)
normalise_consent_text = partial(normalise_block, max_length=4_000)


class LeadInvalid(ValueError):
    """`errors` maps the path of a field ("" is the whole lead) to what is wrong with it."""

    def __init__(self, errors: Errors) -> None:
        problems = (f"{path} {error.message}" for path, found in errors.items() for error in found)
        super().__init__("; ".join(problems))
        self.errors = errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """The proof that the person agreed to be contacted. Its repr shows nothing of it but the time."""

    given_at: datetime
    text: str | None = field(repr=False)
    ip: str | None = field(repr=False)
    url: str | None = field(repr=False)
    token: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanLead:
    """Valid and normalised. Its repr shows nothing that identifies a person."""

    first_name: str | None = field(repr=False)
    last_name: str | None = field(repr=False)
    email: str | None = field(repr=False)
    phone: str | None = field(repr=False)
    address: str | None = field(repr=False)
    city: str | None
    state: str | None
    county: str | None
    country: str
    zip: str
    vertical: str
    attributes: dict[str, Any] = field(repr=False)
    consent: Consent | None
    external_id: str | None = field(repr=False)


class HasConditionFields(Protocol):
    """What conditions can ask about: a CleanLead, or a stored lead with the same names."""

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
    """The fields that conditions see; what is blank is left out. `source` is the name of the source.

    Places abroad have their country before them. `counties` are all in which the ZIP lies, `county` the main one.
    The region is the one that the sender named among the attributes, or else the Census region of the state.
    """
    fields = flatten_attributes(lead.attributes)
    fields["consent"] = bool(lead.consent)
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
        ("region", fields.get("attributes.region") or find_region(place.state, country=place.country)),
        *((name, fields.get(f"attributes.{name}")) for name in COMPANY_FIELDS),
    )
    fields.update((name, value) for name, value in named if value not in (None, "", []))
    return fields


def parse_lead(
    payload: object, *, default_vertical: str | None, at: datetime, requires_contact: bool = True
) -> CleanLead:
    """Raise LeadInvalid with every problem. `default_vertical` is the source's; `at` is now."""
    if not isinstance(payload, Mapping):
        raise LeadInvalid({"": [FieldError("invalid_type", 'must be an object like {"zip": "30312", ...}')]})
    reader = FieldReader(payload)
    reader.refuse_unknown(LEAD_KEYS)
    location = _read_location(reader)
    values = {
        **location,
        **_read_contact(reader, region=location["country"], is_required=requires_contact),
        "vertical": _read_vertical(reader, default=default_vertical),
        "attributes": _read_attributes(reader),
        "consent": _read_consent(reader, at=at),
        "external_id": reader.read("external_id", normalise_external_id),
    }
    if reader.errors:
        raise LeadInvalid(reader.errors)
    return CleanLead(**values)


def _read_location(reader: FieldReader) -> dict[str, Any]:
    country = reader.read("country", normalise_country) or "US"
    zip_code = reader.read("zip", partial(normalise_zip, country=country))
    reader.require("zip", zip_code, fix="send the five-digit ZIP code")
    state = reader.read("state", partial(normalise_state, country=country))
    home_state = None if country == HOME else find_home_state(country, zip_code=zip_code, state=state)
    if home_state is not None:
        country, state = HOME, home_state
        zip_code = reader.read("zip", normalise_zip)
    city = reader.read("city", normalise_name)
    place = find_place(zip_code) if zip_code and country == "US" else None
    if place is None:
        return {"country": country, "zip": zip_code, "state": state, "city": city, "county": None}
    if state and state != place.state:
        fix = f"does not fit the ZIP code, which lies in {place.state}: correct one of the two"
        reader.add("state", FieldError("mismatch", fix))
    return {
        "country": country,
        "zip": zip_code,
        "state": place.state,
        "city": city or place.city,
        "county": place.county,
    }


def _read_contact(reader: FieldReader, *, region: str, is_required: bool) -> dict[str, str | None]:
    email = reader.read("email", normalise_email)
    phone = reader.read("phone", partial(normalise_phone, region=region))
    if is_required and reader.is_blank("email", email) and reader.is_blank("phone", phone):
        reader.add(
            "email", FieldError("required", "is required without a phone: send at least one of the two")
        )
    return {
        "email": email,
        "phone": phone,
        "first_name": reader.read("first_name", normalise_name),
        "last_name": reader.read("last_name", normalise_name),
        "address": reader.read("address", normalise_address),
    }


def _read_vertical(reader: FieldReader, *, default: str | None) -> str | None:
    vertical = reader.read("vertical", normalise_vertical)
    if not default:
        reader.require("vertical", vertical, fix="send it, or set a default on the source")
    return vertical or default


def _read_attributes(reader: FieldReader) -> dict[str, Any]:
    attributes = reader.payload.get("attributes")
    if attributes is None:
        return {}
    for path, error in find_attribute_problems(attributes):
        reader.add(path, error)
    return dict(attributes) if isinstance(attributes, Mapping) else {}


def _read_consent(reader: FieldReader, *, at: datetime) -> Consent | None:
    consent = reader.payload.get("consent")
    if consent is None or consent == {}:
        return None
    if not isinstance(consent, Mapping):
        fix = 'must be an object like {"given_at": "2026-01-31T12:00:00Z"}'
        reader.add("consent", FieldError("invalid_type", fix))
        return None
    inner = FieldReader(consent, prefix="consent.", errors=reader.errors)
    inner.refuse_unknown(CONSENT_KEYS)
    given_at = inner.read("given_at", partial(parse_past_time, at=at))
    inner.require("given_at", given_at, fix="send when the person agreed, like 2026-01-31T12:00:00Z")
    text = inner.read("text", normalise_consent_text)
    ip = inner.read("ip", parse_ip)
    url, token = inner.read("url", parse_url), inner.read("token", normalise_token)
    return Consent(given_at=given_at, text=text, ip=ip, url=url, token=token) if given_at else None


def parse_past_time(value: object, *, at: datetime) -> datetime | None:
    """ISO 8601 with an offset, as UTC; up to five minutes ahead of `at`, for clocks that differ."""
    text = normalise_text(value, max_length=50)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        moment_utc = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise FieldError("invalid", "is not an ISO 8601 time: write it like 2026-01-31T12:00:00Z") from None
    if moment.tzinfo is None:
        raise FieldError("invalid", "has no UTC offset: end it with Z or an offset like -05:00")
    if moment_utc > at + MAX_CLOCK_SKEW:
        raise FieldError("future", "lies in the future: check the clock and the UTC offset")
    return moment_utc


def parse_ip(value: object) -> str | None:
    text = normalise_text(value, max_length=50)
    if text is None:
        return None
    try:
        address = ip_address(text)
    except ValueError:
        raise FieldError(
            "invalid", "is not an IP address: write it like 203.0.113.7 or 2001:db8::1"
        ) from None
    if "%" in text:
        raise FieldError("invalid", "has a zone after %: leave it out")
    return str(address)


def parse_url(value: object) -> str | None:
    text = normalise_text(value, max_length=2_000)
    if text is None:
        return None
    try:
        parts = urlsplit(text)
        is_web = parts.scheme in ("http", "https") and bool(parts.hostname) and " " not in text
    except ValueError:
        is_web = False
    if not is_web:
        raise FieldError("invalid", "is not a web address: write it like https://example.com/form")
    return text

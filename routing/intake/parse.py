"""One lead as it comes in, checked as a whole: every problem at once, nothing filled in but what a ZIP says.

Leniently, only what makes a lead useless is refused: no place, no vertical, no way to reach the person. Anything else
that cannot be read is left out with a correction. Knows no source, database or clock. Contact fields never become
condition fields.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from functools import partial
from typing import Any, Protocol

from routing.intake.attribute_repair import choose_key, repair_attributes
from routing.intake.consent import (
    Consent,
    has_proof,
    read_consent,
    read_consent_leniently,
    split_consent,
)
from routing.intake.corrections import ASSUMED, CORRECTED, DROPPED, UNKNOWN, Correction, Corrections
from routing.intake.field_names import place_unknown_keys
from routing.intake.reader import Errors, FieldReader
from routing.places.countries import HOME, PlaceNames, find_home_state, name_place
from routing.places.regions import find_region
from routing.places.zips import Place, find_place, list_states_of, list_states_of_prefix, name_counties
from routing.values.attributes import find_attribute_problems, flatten_attributes
from routing.values.canonical import read_region
from routing.values.lenient import (
    as_email,
    as_external_id,
    as_phone,
    as_shorter,
    as_state,
    as_text,
    as_vertical,
    as_zip,
    is_placeholder,
)
from routing.values.normalize import (
    CANADIAN_CODE,
    MAX_NAME,
    FieldError,
    Phone,
    normalize_country,
    normalize_email,
    normalize_extension,
    normalize_name,
    normalize_state,
    normalize_text,
    normalize_vertical,
    normalize_zip,
    read_phone,
)

CONTACT_KEYS = ("first_name", "last_name", "email", "phone", "phone_extension", "address", "city")
LEAD_KEYS = (*CONTACT_KEYS, "state", "country", "zip", "vertical", "attributes", "consent", "external_id")
LEAD_KEY_SET = frozenset(LEAD_KEYS)
MAX_ADDRESS = 200
MAX_EXTERNAL_ID = 100

# What a sender puts among the attributes, and conditions may also name without their prefix.
COMPANY_FIELDS = ("industry", "company_size", "revenue")

normalize_address = partial(normalize_text, max_length=MAX_ADDRESS)
normalize_external_id = partial(normalize_text, max_length=MAX_EXTERNAL_ID)
shorten_name = partial(as_shorter, max_length=MAX_NAME)


class LeadInvalid(ValueError):
    """`errors` maps the path of a field ("" is the whole lead) to what is wrong with it."""

    def __init__(self, errors: Errors) -> None:
        problems = (f"{path} {error.message}" for path, found in errors.items() for error in found)
        super().__init__("; ".join(problems))
        self.errors = errors


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanLead:
    """Valid and normalized. Its repr shows nothing that identifies a person."""

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
    phone_extension: str | None = field(default=None, repr=False)
    received_at: datetime | None = None  # None: now
    corrections: tuple[Correction, ...] = field(default=(), repr=False)


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

    Places abroad have their country before them. `counties` are all counties of the ZIP, `county` is the main one.
    The region is the one that the sender named among the attributes, or else the Census region of the state.
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


def parse_lead(
    payload: object,
    *,
    default_vertical: str | None,
    at: datetime,
    requires_contact: bool = True,
    is_lenient: bool = True,
    zone: tzinfo = UTC,
) -> CleanLead:
    """Raise LeadInvalid with every problem. `default_vertical` is the source's; `at` is now.

    `zone`: where a time without an offset is read, leniently.
    """
    if not isinstance(payload, Mapping):
        raise LeadInvalid({"": [FieldError("invalid_type", 'must be an object like {"zip": "30312", ...}')]})
    reader, attributes, consent = (
        _read_leniently(payload, at=at, zone=zone) if is_lenient else _read_strictly(payload, at=at)
    )
    location = _read_location(reader)
    values = {
        **location,
        **_read_contact(reader, region=location["country"], is_required=requires_contact),
        "vertical": _read_vertical(reader, default=default_vertical),
        "attributes": attributes,
        "consent": consent,
        "external_id": _read_external_id(reader),
    }
    if reader.errors:
        raise LeadInvalid(reader.errors)
    return CleanLead(**values, corrections=tuple(reader.corrections.made) if reader.corrections else ())


Start = tuple[FieldReader, dict[str, Any], Consent | None]


def _read_strictly(payload: Mapping[str, Any], *, at: datetime) -> Start:
    reader = FieldReader(payload)
    reader.refuse_unknown(LEAD_KEYS)
    attributes = payload.get("attributes")
    if attributes is None:
        attributes = {}
    for path, error in find_attribute_problems(attributes):
        reader.add(path, error)
    kept = dict(attributes) if isinstance(attributes, Mapping) else {}
    return reader, kept, read_consent(reader, at=at)


def _read_leniently(payload: Mapping[str, Any], *, at: datetime, zone: tzinfo) -> Start:
    corrections = Corrections()
    if not LEAD_KEY_SET.issuperset(payload):
        payload = place_unknown_keys(payload, known=LEAD_KEYS, corrections=corrections)
    reader = FieldReader(payload, corrections=corrections)
    attributes = payload.get("attributes")
    kept = {} if attributes is None else repair_attributes(attributes, corrections)
    if payload.get("consent") is None:
        return reader, kept, None
    consent, others = split_consent(payload["consent"], reader)
    if others:
        for key, value in others.items():
            kept[choose_key(key, taken=kept)] = value
        kept = repair_attributes(kept, corrections)
    return reader, kept, read_consent_leniently(consent, reader, at=at, zone=zone)


def _read_location(reader: FieldReader) -> dict[str, Any]:
    country = reader.read("country", normalize_country, loosen=as_text, is_needed=True)
    country = country or _guess_country(reader)
    zip_code = _read_zip(reader, country=country)
    reader.require("zip", zip_code, fix="send the five-digit ZIP code")
    normalize = partial(normalize_state, country=country)
    state = reader.read("state", normalize, loosen=partial(as_state, country=country))
    home_state = None if country == HOME else find_home_state(country, zip_code=zip_code, state=state)
    if home_state is not None:
        country, state = HOME, home_state
        zip_code = _read_zip_again(reader) if zip_code else None
    city = reader.read("city", normalize_name, loosen=shorten_name)
    place = find_place(zip_code) if zip_code and country == HOME else None
    if place is None:
        if zip_code and country == HOME:
            state = _place_new_zip(reader, zip_code, state=state)
        return {"country": country, "zip": zip_code, "state": state, "city": city, "county": None}
    state = _resolve_state(reader, state=state, place=place)
    counties = name_counties(place.zip, state=state, county=None)
    return {
        "country": country,
        "zip": zip_code,
        "state": state,
        "city": city or place.city,
        "county": place.county if state == place.state else next(iter(counties), None),
    }


def _read_zip(reader: FieldReader, *, country: str) -> str | None:
    loosen = partial(as_zip, state=reader.payload.get("state")) if country == HOME else as_text
    return reader.read("zip", partial(normalize_zip, country=country), loosen=loosen, is_needed=True)


def _read_zip_again(reader: FieldReader) -> str | None:
    """As a ZIP code, after it was read as the postal code of a country that is a US state."""
    if reader.corrections is not None:
        reader.corrections.forget("zip")
    return _read_zip(reader, country=HOME)


def _place_new_zip(reader: FieldReader, zip_code: str, *, state: str | None) -> str | None:
    """The state of a ZIP code that the tables lack: as it came, or that of all ZIPs with the same three digits."""
    states = list_states_of_prefix(zip_code[:3])
    state = state or (states[0] if len(states) == 1 else None)
    message = "is not in the ZIP code table: kept, but its location is unknown" + (
        f" beyond {state}" if state else ""
    )
    reader.correct("zip", UNKNOWN, message)
    return state


def _resolve_state(reader: FieldReader, *, state: str | None, place: Place) -> str:
    """The lead's own state if its ZIP is in several; else the one of the ZIP."""
    if not state:
        return place.state
    states = list_states_of(place.zip)
    if state in states:
        return state
    lies_in = f"does not match the ZIP code, which is in {' and '.join(states)}"
    if reader.corrections is None:
        fix = f"{lies_in}: correct one of the two"
        reader.add("state", FieldError("mismatch", fix))
    else:
        message = f"{lies_in}: read as {place.state}"
        reader.correct("state", CORRECTED, message, received=reader.payload.get("state"))
    return place.state


def _guess_country(reader: FieldReader) -> str:
    """A lead that names none is from the US, unless its postal code can only be Canadian."""
    code = reader.payload.get("zip")
    is_canadian = isinstance(code, str) and CANADIAN_CODE.fullmatch(code.strip()) is not None
    if reader.corrections is None or not is_canadian:
        return HOME
    reader.correct("country", ASSUMED, "is missing and the postal code is Canadian: read as CA")
    return "CA"


def _read_contact(reader: FieldReader, *, region: str, is_required: bool) -> dict[str, str | None]:
    email = reader.read("email", normalize_email, loosen=as_email)
    phone = reader.read("phone", partial(read_phone, region=region), loosen=as_phone)
    if phone is not None and not phone.is_known:
        reader.correct("phone", UNKNOWN, "has an unknown area code: kept")
    if is_required and email is None and phone is None:
        _refuse_unreachable(reader)
    extension = reader.read("phone_extension", normalize_extension, loosen=as_text)
    return {
        "email": email,
        "phone": phone.number if phone else None,
        "phone_extension": _choose_extension(phone, extension),
        "first_name": reader.read("first_name", normalize_name, loosen=shorten_name),
        "last_name": reader.read("last_name", normalize_name, loosen=shorten_name),
        "address": reader.read(
            "address", normalize_address, loosen=partial(as_shorter, max_length=MAX_ADDRESS)
        ),
    }


def _choose_extension(phone: Phone | None, extension: str | None) -> str | None:
    """The one that came as a field of its own, or that behind the number; none without a number."""
    return (extension or phone.extension or None) if phone else None


def _refuse_unreachable(reader: FieldReader) -> None:
    """What was left out is what is wrong with the lead when nothing else is left to reach the person by."""
    for name in ("email", "phone"):
        if name in reader.left_out:
            reader.add(name, reader.left_out[name])
    if "email" not in reader.errors and "phone" not in reader.errors:
        message = "is required if there is no phone: send at least one of the two"
        reader.add("email", FieldError("required", message))


def _read_vertical(reader: FieldReader, *, default: str | None) -> str | None:
    given = reader.payload.get("vertical")
    if reader.corrections is not None and is_placeholder(given):
        reader.correct("vertical", DROPPED, "says that there is no value: left out", received=given)
        vertical = None
    else:
        vertical = reader.read("vertical", normalize_vertical, loosen=as_vertical, is_needed=not default)
    if not default:
        reader.require("vertical", vertical, fix="send it, or set a default on the source")
    return vertical or default


def _read_external_id(reader: FieldReader) -> str | None:
    given = reader.payload.get("external_id")
    if reader.corrections is not None and is_placeholder(given):
        # Every lead of a form that sends "none" would be the same one.
        reader.correct("external_id", DROPPED, "says that there is no value: left out", received=given)
        return None
    loosen = partial(as_external_id, max_length=MAX_EXTERNAL_ID)
    return reader.read("external_id", normalize_external_id, loosen=loosen)

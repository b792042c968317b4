"""Validates an incoming lead and collects all problems. Fills in only what the ZIP code determines.

In lenient mode, a lead is rejected only if it is useless: no location, no vertical, or no way to reach the person.
Other unreadable values are left out with a correction. Uses no source, database or clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from functools import partial
from typing import Any

from routing.intake.attribute_repair import choose_key, repair_attributes
from routing.intake.consent import Consent, read_consent, read_consent_leniently, split_consent
from routing.intake.corrections import DROPPED, UNKNOWN, Correction, Corrections
from routing.intake.field_names import place_unknown_keys
from routing.intake.location import read_location, shorten_name
from routing.intake.markers import has_test_contact, mark_external_id, read_test, take_flags
from routing.intake.reader import Errors, FieldReader
from routing.values.attributes import find_attribute_problems
from routing.values.lenient import (
    as_email,
    as_external_id,
    as_phone,
    as_shorter,
    as_text,
    as_vertical,
    is_placeholder,
)
from routing.values.normalize import (
    FieldError,
    Phone,
    normalize_email,
    normalize_extension,
    normalize_name,
    normalize_text,
    normalize_vertical,
    read_phone,
)

CONTACT_KEYS = ("first_name", "last_name", "email", "phone", "phone_extension", "address", "city")
LEAD_KEYS = (
    *CONTACT_KEYS,
    "state",
    "country",
    "zip",
    "vertical",
    "attributes",
    "consent",
    "external_id",
    "is_test",
)
LEAD_KEY_SET = frozenset(LEAD_KEYS)
MAX_ADDRESS = 200
MAX_EXTERNAL_ID = 100

normalize_address = partial(normalize_text, max_length=MAX_ADDRESS)
normalize_external_id = partial(normalize_text, max_length=MAX_EXTERNAL_ID)


class LeadInvalid(ValueError):
    """`errors` maps the path of a field ("" is the whole lead) to its problems."""

    def __init__(self, errors: Errors) -> None:
        problems = (f"{path} {error.message}" for path, found in errors.items() for error in found)
        super().__init__("; ".join(problems))
        self.errors = errors


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanLead:
    """A valid, normalized lead. Its repr shows nothing that identifies a person."""

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
    is_test: bool = False
    corrections: tuple[Correction, ...] = field(default=(), repr=False)
    ping_id: int | None = None  # the row of the ping that promised its price


def parse_lead(
    payload: object,
    *,
    default_vertical: str | None,
    at: datetime,
    requires_contact: bool = True,
    is_lenient: bool = True,
    zone: tzinfo = UTC,
    is_test: bool = False,
) -> CleanLead:
    """Raise LeadInvalid with every problem. `default_vertical` is the source's; `at` is now.

    `zone` is the time zone of times without an offset, in lenient mode. `is_test`: it is a test lead, whatever it says.
    """
    lead, _ = parse_placed(
        payload,
        default_vertical=default_vertical,
        at=at,
        requires_contact=requires_contact,
        is_lenient=is_lenient,
        zone=zone,
        is_test=is_test,
    )
    return lead


def parse_placed(
    payload: object,
    *,
    default_vertical: str | None,
    at: datetime,
    requires_contact: bool,
    is_lenient: bool,
    zone: tzinfo,
    is_test: bool,
) -> tuple[CleanLead, Mapping[str, Any]]:
    """As parse_lead. Also returns the sent values under the names of the fields that they were read as."""
    if not isinstance(payload, Mapping):
        raise LeadInvalid({"": [FieldError("invalid_type", 'must be an object like {"zip": "30312", ...}')]})
    reader, attributes, consent = (
        _read_leniently(payload, at=at, zone=zone) if is_lenient else _read_strictly(payload, at=at)
    )
    requires_contact = requires_contact and not has_test_contact(reader.payload)
    is_test = read_test(reader, attributes, is_test=is_test)
    location = read_location(reader)
    values = {
        **location,
        **_read_contact(reader, region=location["country"], is_required=requires_contact),
        "is_test": is_test,
        "vertical": _read_vertical(reader, default=default_vertical),
        "attributes": attributes,
        "consent": consent,
        "external_id": _read_external_id(reader, is_test=is_test),
    }
    if reader.errors:
        raise LeadInvalid(reader.errors)
    corrections = tuple(reader.corrections.made) if reader.corrections else ()
    return CleanLead(**values, corrections=corrections), reader.payload


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
    payload = take_flags(payload, corrections)
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
    """Return the extension field or the extension in the phone number; None without a phone."""
    return (extension or phone.extension or None) if phone else None


def _refuse_unreachable(reader: FieldReader) -> None:
    """Report why contact fields were left out: without them, buyers cannot reach the person."""
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


def _read_external_id(reader: FieldReader, *, is_test: bool) -> str | None:
    external_id = _read_sent_id(reader)
    if external_id is None or not is_test:
        return external_id
    return mark_external_id(external_id, max_length=MAX_EXTERNAL_ID)


def _read_sent_id(reader: FieldReader) -> str | None:
    given = reader.payload.get("external_id")
    if reader.corrections is not None and is_placeholder(given):
        # Otherwise all leads of a form that sends "none" would have the same external_id.
        reader.correct("external_id", DROPPED, "says that there is no value: left out", received=given)
        return None
    loosen = partial(as_external_id, max_length=MAX_EXTERNAL_ID)
    return reader.read("external_id", normalize_external_id, loosen=loosen)

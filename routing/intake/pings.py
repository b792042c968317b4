"""Parses a ping: a lead without contact data. Contact data is refused by name, and nothing of it is stored.

The parser is that of leads, so both read the same value from the same text. Pure.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, tzinfo
from typing import Any, Final

from routing.intake.parse import CleanLead, parse_placed
from routing.intake.reader import Errors
from routing.values.attributes import flatten_attributes
from routing.values.lenient import is_placeholder
from routing.values.normalize import FieldError
from routing.values.personal import as_text, is_personal_name, is_personal_value

# What identifies a person. The others of a lead's fields must only not look like it.
CONTACT_FIELDS: Final = ("first_name", "last_name", "email", "phone", "phone_extension", "address")
SCANNED_FIELDS: Final = ("city", "state", "zip", "country", "vertical", "external_id")
# Fields that are read in any case: their values follow from what was sent, and decide the price.
ALWAYS_PRICED: Final = ("vertical", "zip", "is_test")
PRICED_IF_SENT: Final = ("city", "state", "country")
NO_CONTACT: Final = "is contact data: leave it out of the ping, and send it with the lead"
LOOKS_LIKE: Final = "looks like an email address or a phone number: leave it out of the ping"

Priced = dict[str, Any]


class HasContactData(ValueError):
    """`errors` maps the name of each field with contact data to its problem. It contains no value."""

    def __init__(self, errors: Errors) -> None:
        super().__init__(f"contact data in {', '.join(errors)}")
        self.errors = errors


def parse_ping(
    payload: object,
    *,
    default_vertical: str | None,
    at: datetime,
    is_lenient: bool,
    zone: tzinfo,
    is_test: bool,
) -> tuple[CleanLead, Priced]:
    """Return the lead without contact data, and what its price depends on by name.

    Raises LeadInvalid with every problem, and HasContactData.
    """
    lead, sent = parse_placed(
        payload,
        default_vertical=default_vertical,
        at=at,
        requires_contact=False,
        is_lenient=is_lenient,
        zone=zone,
        is_test=is_test,
    )
    errors = {
        name: [FieldError("contact_data", message)] for name, message in _find_contact(sent, lead.attributes)
    }
    if errors:
        raise HasContactData(errors)
    return lead, read_priced(lead, sent=sent)


def read_priced(lead: CleanLead, *, sent: Mapping[str, Any]) -> Priced:
    """Return the values that a ping's price depends on, as far as they were `sent`. A lead must repeat them."""
    named = [*ALWAYS_PRICED, *(name for name in PRICED_IF_SENT if not _is_blank(sent.get(name)))]
    priced = {name: getattr(lead, name) for name in named}
    if lead.consent is not None and lead.consent.token:
        priced["consent.token"] = lead.consent.token
    return {**priced, **flatten_attributes(lead.attributes)}


def _find_contact(sent: Mapping[str, Any], attributes: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in CONTACT_FIELDS:
        if not _is_blank(sent.get(name)):
            yield name, NO_CONTACT
    for name in SCANNED_FIELDS:
        if _is_contact(sent.get(name)):
            yield name, LOOKS_LIKE
    consent = sent.get("consent")
    for name, value in (consent if isinstance(consent, Mapping) else {}).items():
        if name == "ip" and not _is_blank(value):
            yield "consent.ip", NO_CONTACT
        elif _is_contact(value):
            yield f"consent.{name}", LOOKS_LIKE
    yield from _find_in_attributes(attributes, path="attributes")


def _find_in_attributes(value: object, *, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _find_in_attributes(inner, path=f"{path}.{key}")
    elif isinstance(value, list):
        found = next((message for each in value for _, message in _find_in_attributes(each, path=path)), None)
        if found is not None:
            yield path, found
        elif is_personal_value(" ".join(filter(None, map(as_text, value)))):
            yield path, LOOKS_LIKE
    elif not isinstance(value, bool) and not _is_blank(value) and is_personal_name(path):
        yield path, NO_CONTACT
    elif _is_contact(value):
        yield path, LOOKS_LIKE


def _is_contact(value: object) -> bool:
    text = as_text(value)
    return text is not None and is_personal_value(text)


def _is_blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip()) or is_placeholder(value)

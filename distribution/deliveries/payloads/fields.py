"""The fields that a template may name: what each holds, and how it is read from the lead.

docs/deliveries.md lists them for operators; a test compares the two.
"""

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from distribution.deliveries.payloads.lead import DeliveredLead, make_plain, write_time
from routing.values.attributes import KEY

FieldKind = Literal["text", "phone", "state", "time", "number", "flag", "object", "any"]
ATTRIBUTES: Final = "attributes."
MAX_NESTING: Final = 5
ZIP3: Final = 3
# Only a template that names them sends them: an empty one means what it always meant.
ON_REQUEST: Final = frozenset({"zip3", "assignment.bid_id"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a template is rendered from. `message_id` is the same for every try of a delivery."""

    lead: DeliveredLead
    message_id: str


@dataclass(frozen=True, slots=True)
class FieldRow:
    """`about`: what it holds, for the page about deliveries and for messages to operators."""

    kind: FieldKind
    about: str
    read: Callable[[Facts], Any]


def _column(name: str) -> Callable[[Facts], Any]:
    return lambda facts: getattr(facts.lead, name)


def _consent(name: str) -> Callable[[Facts], Any]:
    return lambda facts: facts.lead.consent.get(name)


def _dollars(facts: Facts) -> str:
    dollars, cents = divmod(facts.lead.sale.price_cents, 100)
    return f"{dollars}.{cents:02}"


def _read_zip3(lead: DeliveredLead) -> str:
    """Codes outside the US have no such part: CA-M5V 2T6."""
    return lead.zip3 or (lead.zip[:ZIP3] if lead.country == "US" else "")


FIELDS: Final[Mapping[str, FieldRow]] = {
    "id": FieldRow("text", "LeadSwitch's id of the lead", _column("lead_id")),
    "received_at": FieldRow("time", "when the lead came in", lambda facts: write_time(facts.lead.received_at)),
    "vertical": FieldRow("text", "what the person wants, like roofing", _column("vertical")),
    "first_name": FieldRow("text", "first name", _column("first_name")),
    "last_name": FieldRow("text", "last name", _column("last_name")),
    "full_name": FieldRow("text", "first and last name", _column("full_name")),
    "email": FieldRow("text", "email address", _column("email")),
    "phone": FieldRow("phone", "phone, like +15005550006", _column("phone")),
    "phone_extension": FieldRow("text", "extension of the phone", _column("phone_extension")),
    "address": FieldRow("text", "street and number", _column("address")),
    "city": FieldRow("text", "city", _column("city")),
    "county": FieldRow("text", "county, like Fulton County", _column("county")),
    "state": FieldRow("state", "state, like GA; CA-ON outside the US", _column("state")),
    "zip": FieldRow("text", "ZIP code, like 30312; DE-30312 outside the US", _column("zip")),
    "zip3": FieldRow("text", "the first three digits of a US ZIP code, like 303", lambda facts: _read_zip3(facts.lead)),
    "country": FieldRow("text", "country, like US", _column("country")),
    "attributes": FieldRow("object", "all attributes", _column("attributes")),
    "consent.given_at": FieldRow("time", "when the person agreed to be contacted", _consent("given_at")),
    "consent.text": FieldRow("text", "what the person agreed to", _consent("text")),
    "consent.ip": FieldRow("text", "the person's IP address", _consent("ip")),
    "consent.url": FieldRow("text", "the page of the form", _consent("url")),
    "consent.token": FieldRow("text", "certificate of TrustedForm or Jornaya", _consent("token")),
    "assignment.id": FieldRow("text", "id of the sale; a return names it", lambda facts: facts.lead.sale.assignment_id),
    "assignment.price": FieldRow("text", "price in dollars, like 45.00", _dollars),
    "assignment.price_cents": FieldRow("number", "price in cents", lambda facts: facts.lead.sale.price_cents),
    "assignment.sold_at": FieldRow(
        "time", "when it was sold; missing while your answer decides", lambda facts: write_time(facts.lead.sale.sold_at)
    ),
    "assignment.bid_id": FieldRow(
        "text", "the buyer's id of its bid; missing without an auction", lambda facts: facts.lead.sale.bid_id
    ),
    "campaign": FieldRow("text", "name of the campaign", lambda facts: facts.lead.sale.campaign),
    "buyer": FieldRow("text", "name of the buyer", _column("buyer")),
    "is_test": FieldRow("flag", "true for a test lead", _column("is_test")),
    "message_id": FieldRow(
        "text", "id of the message, the same for every try", lambda facts: facts.message_id
    ),
}  # fmt: skip


def find_field_problem(name: str) -> str | None:
    if name in FIELDS or _is_attribute(name):
        return None
    near = difflib.get_close_matches(name, FIELDS, n=1)
    if near:
        return f"unknown field {name!r}: did you mean {near[0]!r} ({FIELDS[near[0]].about})?"
    attribute = ATTRIBUTES + (name if re.fullmatch(KEY, name) else "<key>")
    return f"unknown field {name!r}: use one of docs/deliveries.md, or {attribute} for an attribute"


def _is_attribute(name: str) -> bool:
    keys = name.removeprefix(ATTRIBUTES).split(".")
    return (
        name.startswith(ATTRIBUTES)
        and len(keys) <= MAX_NESTING
        and all(re.fullmatch(KEY, key) is not None for key in keys)
    )


def get_kind(name: str) -> FieldKind:
    return FIELDS[name].kind if name in FIELDS else "any"


def read_field(facts: Facts, name: str) -> Any:
    """The plain value, or None if the lead lacks it."""
    row = FIELDS.get(name)
    if row is not None:
        return make_plain(row.read(facts))
    value: Any = facts.lead.attributes
    for key in name.removeprefix(ATTRIBUTES).split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return make_plain(value)


def is_blank(value: object) -> bool:
    """Missing, an empty list or object, or text of spaces. 0 and false are values."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or value == [] or value == {}

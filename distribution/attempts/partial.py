"""The partial lead that an offer shows: the fields that the campaign chose, without any value that identifies a person.

A field's name is checked when the campaign is saved. Here each value is checked, because senders write what they want:
a value with the lead's own name, email address, phone number or street address, or that looks like an email address or
a phone number, is withheld.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import connection

from routing.intake.condition_fields import condition_fields
from routing.locks.attempts import LockedLead
from routing.places.countries import HOME
from routing.values.personal import is_personal_name, is_personal_value

READ_CONTACT: Final = "SELECT first_name, last_name, email, phone, address FROM routing_lead WHERE id = %s"
WORD: Final = re.compile(r"[^\W\d_]{2,}")
# The last seven digits of a number identify it, with or without the area code.
LOCAL_DIGITS: Final = 7
# A shorter part of an address, such as "12", is in many values.
SHORTEST_PART: Final = 6


@dataclass(frozen=True, slots=True)
class Contact:
    """What identifies the person."""

    first_name: str = field(repr=False)
    last_name: str = field(repr=False)
    email: str = field(repr=False)
    phone: str = field(repr=False)
    address: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Partial:
    """The values that are shown, by field, and the names of the fields that were withheld."""

    values: Mapping[str, Any]
    withheld: tuple[str, ...]


def read_contact(lead_id: int) -> Contact:
    with connection.cursor() as cursor:
        cursor.execute(READ_CONTACT, [lead_id])
        return Contact(*cursor.fetchone())


def make_partial(lead: LockedLead, *, fields: Sequence[str], contact: Contact) -> Partial:
    """Return the chosen fields that the lead has and that identify nobody."""
    known = condition_fields(lead, source=lead.source)
    if known.get("country") == HOME and known.get("zip"):
        known["zip3"] = str(known["zip"])[:3]
    chosen = {name: known[name] for name in fields if known.get(name) not in (None, "", [], {})}
    withheld = tuple(name for name, value in chosen.items() if identifies(value, contact))
    return Partial({name: value for name, value in chosen.items() if name not in withheld}, withheld)


def identifies(value: Any, contact: Contact) -> bool:
    """Whether any part of the value is contact data, or looks like it. A key may name contact data too."""
    if isinstance(value, Mapping):
        keys = map(str, value)
        return any(is_personal_name(key) or _is_contact(key, contact) for key in keys) or any(
            identifies(each, contact) for each in value.values()
        )
    if isinstance(value, list | tuple):
        return any(identifies(each, contact) for each in value)
    return value is not None and not isinstance(value, bool) and _is_contact(str(value), contact)


def _is_contact(text: str, contact: Contact) -> bool:
    return (
        is_personal_value(text)
        or _has_name(text, contact)
        or _has_number(text, contact.phone)
        or _has_address(text, contact.address)
        or bool(contact.email and contact.email.casefold() in text.casefold())
    )


def _has_name(text: str, contact: Contact) -> bool:
    words = {word.casefold() for word in WORD.findall(text)}
    names = WORD.findall(f"{contact.first_name} {contact.last_name}")
    return any(name.casefold() in words for name in names)


def _has_number(text: str, phone: str) -> bool:
    digits = re.sub(r"\D", "", phone)[-LOCAL_DIGITS:]
    return len(digits) == LOCAL_DIGITS and digits in re.sub(r"\D", "", text)


def _has_address(text: str, address: str) -> bool:
    ours, theirs = (" ".join(each.casefold().split()) for each in (address, text))
    if not ours or not theirs:
        return False
    return ours in theirs or (
        len(theirs) >= SHORTEST_PART and any(map(str.isdigit, theirs)) and theirs in ours
    )

"""The partial lead that an offer shows: the fields that the campaign chose, without any value that identifies a person.

A field's name is checked when the campaign is saved. Here each value is checked, because senders write what they want:
a value with the lead's own name, email address, phone number or street address, or that looks like an email address or
a phone number, is withheld.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from routing.intake.condition_fields import condition_fields
from routing.locks.attempts import LockedLead
from routing.places.countries import HOME
from routing.values.contact import identifies


@dataclass(frozen=True, slots=True)
class Partial:
    """The values that are shown, by field, and the names of the fields that were withheld."""

    values: Mapping[str, Any]
    withheld: tuple[str, ...]


def make_partial(lead: LockedLead, *, fields: Sequence[str]) -> Partial:
    """Return the chosen fields that the lead has and that identify nobody."""
    known = condition_fields(lead, source=lead.source)
    if known.get("country") == HOME and known.get("zip"):
        known["zip3"] = str(known["zip"])[:3]
    chosen = {name: known[name] for name in fields if known.get(name) not in (None, "", [], {})}
    withheld = tuple(name for name, value in chosen.items() if identifies(value, lead.contact))
    return Partial({name: value for name, value in chosen.items() if name not in withheld}, withheld)

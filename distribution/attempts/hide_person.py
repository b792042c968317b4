"""Hides personal data of a lead in a text that its buyer wrote, so that the trace and lists may have the text."""

import re
from collections.abc import Iterator
from typing import Final

from routing.models import Lead
from routing.values.personal import EMAIL, HIDDEN, PHONE

# Seven digits of a phone number identify it. Punctuation may be between them.
LONG_NUMBER: Final = re.compile(r"\+?\d(?:[ ().\-/]*\d){6,}")
WORD: Final = re.compile(r"[^\W\d_]+")


def hide_person(text: str, *, lead_id: int) -> str:
    """As hide_named_person, with the name and the address of this lead."""
    if not text.strip():
        return ""
    lead = Lead.objects.only("first_name", "last_name", "address").get(pk=lead_id)
    return hide_named_person(text, name=f"{lead.first_name} {lead.last_name}", address=lead.address)


def hide_named_person(text: str, *, name: str, address: str) -> str:
    """Return one line without email addresses, phone numbers, this name and this street address."""
    line = " ".join(text.split())
    for pattern in (EMAIL, PHONE, LONG_NUMBER, *_patterns(name, address)):
        line = pattern.sub(HIDDEN, line)
    return line


def _patterns(name: str, address: str) -> Iterator[re.Pattern[str]]:
    """The address as a whole, and each word of the name."""
    if address.strip():
        yield re.compile(re.escape(address.strip()), re.IGNORECASE)
    for word in WORD.findall(name):
        yield re.compile(rf"(?<![^\W\d_]){re.escape(word)}(?![^\W\d_])", re.IGNORECASE)

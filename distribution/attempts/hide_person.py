"""Hides personal data of a lead in a text that its buyer wrote, so that the trace may have the text."""

import re
from collections.abc import Iterator
from typing import Final

from routing.models import Lead
from routing.values.personal import EMAIL, HIDDEN, PHONE

# Seven digits of a phone number identify it. Punctuation may be between them.
LONG_NUMBER: Final = re.compile(r"\+?\d(?:[ ().\-/]*\d){6,}")
WORD: Final = re.compile(r"[^\W\d_]+")


def hide_person(text: str, *, lead_id: int) -> str:
    """Return one line without email addresses, phone numbers, and the lead's name and street address."""
    line = " ".join(text.split())
    if not line:
        return ""
    lead = Lead.objects.only("first_name", "last_name", "address").get(pk=lead_id)
    for pattern in (EMAIL, PHONE, LONG_NUMBER, *_patterns(lead)):
        line = pattern.sub(HIDDEN, line)
    return line


def _patterns(lead: Lead) -> Iterator[re.Pattern[str]]:
    """The address as a whole, and each word of the name."""
    if lead.address.strip():
        yield re.compile(re.escape(lead.address.strip()), re.IGNORECASE)
    for word in WORD.findall(f"{lead.first_name} {lead.last_name}"):
        yield re.compile(rf"(?<![^\W\d_]){re.escape(word)}(?![^\W\d_])", re.IGNORECASE)

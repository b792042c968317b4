"""Splits a full name such as "Dr. Juan Q. Xavier de la Vega III"."""

import re
from typing import Final

from nameparser import HumanName

# Meta sends "<test lead: dummy data for full_name>" as the value of each text field, and p: before a phone in exports.
TEST_TEXT: Final = re.compile(r"(?:p:)?\s*<test lead:", re.IGNORECASE)


def is_test_text(value: object) -> bool:
    """Whether the text says that it is the value of a test lead."""
    return isinstance(value, str) and TEST_TEXT.match(value.strip()) is not None


def split_full_name(text: str) -> tuple[str, str]:
    """Return first and last name. Middle names go with the first, a suffix with the last; titles are dropped.

    A test value is not split.
    """
    if is_test_text(text):
        return text.strip(), ""
    name = HumanName(" ".join(text.split())[:300])
    first_name = " ".join(part for part in (name.first, name.middle) if part)
    last_name = " ".join(part for part in (name.last, name.suffix) if part)
    return (first_name, last_name) if first_name or last_name else (text.strip(), "")

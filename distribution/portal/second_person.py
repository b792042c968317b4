"""Turns a sentence about a buyer into one that the buyer reads: "its claim" is "your claim". Pure.

The words are those of the trace (tracing/gates.py, tracing/buyer_reasons.py, distribution/explain/places.py). What is
between quotes is the data of a lead or of a setting, and stays.
"""

import re
from typing import Final

# In this order. Elsewhere, "it" is the lead.
PHRASES: Final = (
    (r"it paused itself", "you paused yourself"),
    (r"its agency paused it", "your agency paused you"),
    (r"it covers", "you cover"),
    (r"it excludes", "you exclude"),
    (r"it has", "you have"),
    (r"it is paused", "you are paused"),
    (r"it opens", "you open"),
    (r"it never opens", "you never open"),
    (r"it was (shown|being|no longer|not in|skipped)", r"you were \1"),
    (r"it (bought|claimed|made no bid)", r"you \1"),
    (r"it (answered|gave no reason)", r"your system \1"),
    (r"when it claimed", "when you claimed"),
    (r"this buyer", "you"),
    (r"its", "your"),
    (r"resume the buyer", "resume"),
    (r"(enroll|move) the buyer", r"\1 you"),
)
_PATTERNS: Final = tuple((re.compile(rf"\b{found}\b", re.IGNORECASE), said) for found, said in PHRASES)


def address(text: str) -> str:
    """`text`: without the buyer's name."""
    parts = text.split('"')
    parts[::2] = [_address(part) for part in parts[::2]]
    said = '"'.join(parts)
    return said[:1].upper() + said[1:] if text[:1].isupper() else said


def _address(text: str) -> str:
    for pattern, said in _PATTERNS:
        text = pattern.sub(said, text)
    return text

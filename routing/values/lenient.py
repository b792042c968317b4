"""Alternative readings of a value that its field rejects. Each candidate comes with a note of what was changed.

Damage by a spreadsheet or a script is undone only if the original value is certain.
"""

import hashlib
import math
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, Final, NamedTuple

from routing.places.states import find_state
from routing.places.zips import list_states_of, load_rows
from routing.values.wide_number import WideNumber


class CandidateValue(NamedTuple):
    """Another reading of a value, and what was done to get it."""

    value: Any
    done: str
    is_shortened: bool = False


PLACEHOLDERS: Final = frozenset(
    [
        *[
            "n/a",
            "na",
            "n.a.",
            "#n/a",
            "none",
            "(none)",
            "null",
            "nil",
            "nan",
            "-",
            "--",
            "---",
            ".",
            "?",
            "unknown",
        ],
        *["undefined", "not provided", "not available", "not given", "not specified", "no email", "noemail"],
        *["no phone", "[object object]", "tbd", "empty", "blank"],
    ]
)
WHOLE_WITH_ZEROS: Final = re.compile(r"'?([0-9]{3,15})(?:\.0+)?")
FIVE_DIGITS: Final = re.compile(r"(?<![0-9])([0-9]{5})(?:-[0-9]{4})?(?![0-9])")
SCIENTIFIC: Final = re.compile(r"'?\+?[0-9](?:[.,][0-9]{1,15})?[eE]\+?([0-9]{1,2})")
# Exports of Meta's lead forms write p:+14045550143.
PHONE_PREFIXES: Final = re.compile(r"^(?:p:|tel:|phone:|'|=)+", re.IGNORECASE)
EMAIL_AROUND: Final = re.compile(r"^(?:mailto:|[<'\"\s])+|[>'\"\s.,;]+$", re.IGNORECASE)
NOT_IN_VERTICALS: Final = re.compile(r"[^a-z0-9]+")
MIN_DIGITS_WITH_CODE: Final = 11


def is_placeholder(value: object) -> bool:
    """True if the text is a placeholder for no value."""
    return isinstance(value, str) and len(value) <= 20 and " ".join(value.split()).casefold() in PLACEHOLDERS


def as_text(value: object) -> Iterator[CandidateValue]:
    """A number as text, and the items of a list if a form sent the field more than once."""
    if isinstance(value, bool):
        return
    if isinstance(value, int | WideNumber):
        yield CandidateValue(str(value), "is a number: read as text")
    elif isinstance(value, float) and math.isfinite(value):
        text = str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        yield CandidateValue(text, "is a number: read as text")
    elif isinstance(value, list):
        for item in value[:10]:
            if isinstance(item, str):
                yield CandidateValue(item, "was sent more than once: the first readable value was used")
            elif not isinstance(item, list):
                yield from as_text(item)


def as_shorter(value: object, *, max_length: int) -> Iterator[CandidateValue]:
    yield from as_text(value)
    if isinstance(value, str):
        yield CandidateValue(
            " ".join(value.split())[:max_length].rstrip(),
            f"is longer than {max_length} characters: truncated",
            is_shortened=True,
        )


def as_external_id(value: object, *, max_length: int) -> Iterator[CandidateValue]:
    """A longer id stays unique through its SHA-256."""
    yield from as_text(value)
    if isinstance(value, str):
        yield CandidateValue(
            shorten_id(value, max_length=max_length),
            f"is longer than {max_length} characters: truncated, with its SHA-256 appended",
            is_shortened=True,
        )


def shorten_id(text: str, *, max_length: int) -> str:
    """Return the beginning of an id and its SHA-256, so that a cut id stays unique."""
    digest = hashlib.sha256(text.encode(errors="replace")).hexdigest()
    start = " ".join(text.split())[: max_length - len(digest) - 1]
    return f"{start}-{digest}"


def as_email(value: object) -> Iterator[CandidateValue]:
    yield from as_text(value)
    for text in _texts(value):
        yield CandidateValue(EMAIL_AROUND.sub("", text), "has text around the address: removed")


def as_phone(value: object) -> Iterator[CandidateValue]:
    for candidate in as_text(value):
        yield from _with_plus(candidate.value, candidate.done)
    for text in _texts(value):
        plain = PHONE_PREFIXES.sub("", text.strip())
        yield from _with_plus(plain, "has text before the number: removed")
        if (digits := _read_scientific(plain)) is not None:
            yield from _with_plus(digits, "is in scientific notation: read as digits")
        if matched := WHOLE_WITH_ZEROS.fullmatch(plain):
            yield from _with_plus(matched[1], "is a decimal number: read as digits")


def _with_plus(text: str, done: str) -> Iterator[CandidateValue]:
    """Ten digits are always a national number of the lead's country; more may start with a country code."""
    yield CandidateValue(text, done)
    if sum(character.isdigit() for character in text) >= MIN_DIGITS_WITH_CODE and not text.startswith("+"):
        yield CandidateValue(f"+{text}", "was read as a number with its country code")


def as_zip(value: object, *, state: object) -> Iterator[CandidateValue]:
    """`state` as the sender wrote it. A number has lost leading zeros; four digits of text may lack the last one."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        for text, done, _ in as_text(value):
            if 3 <= len(text) <= 5:
                yield CandidateValue(text.zfill(5), done)
        return
    yield from as_text(value)
    for text in _texts(value):
        plain = text.strip()
        if matched := WHOLE_WITH_ZEROS.fullmatch(plain):
            digits = matched[1]
            if len(digits) == 5:
                yield CandidateValue(digits, "was formatted by a spreadsheet: read as five digits")
            elif has_lost_zeros(digits, state=state):
                yield CandidateValue(digits.zfill(5), "has lost its leading zero: restored")
        found = FIVE_DIGITS.findall(plain)
        if len(found) == 1:
            yield CandidateValue(found[0], "has text besides the five digits: removed")


def has_lost_zeros(digits: str, *, state: object) -> bool:
    """True if leading zeros must be missing: the state shows it, or no ZIP code starts with these digits."""
    states = list_states_of(digits.zfill(5)) if len(digits) in (3, 4) else ()
    if not states:
        return False
    if isinstance(state, str) and state.strip():
        return state.strip().upper() in states or find_state(state, country="US") in states
    return digits not in _list_beginnings()


@cache
def _list_beginnings() -> frozenset[str]:
    return frozenset(code[:length] for code in load_rows() for length in (3, 4))


def as_state(value: object, *, country: str) -> Iterator[CandidateValue]:
    for text in _texts(value):
        if found := find_state(text, country=country):
            yield CandidateValue(found, f"was read as {found}")


def as_vertical(value: object) -> Iterator[CandidateValue]:
    yield from as_text(value)
    for text in _texts(value):
        if slug := NOT_IN_VERTICALS.sub("_", text.lower()).strip("_")[:50]:
            yield CandidateValue(slug, f"was read as {slug}")


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value[:1_000]
    elif isinstance(value, list):
        yield from (item[:1_000] for item in value[:10] if isinstance(item, str))


def _read_scientific(text: str) -> str | None:
    """4.045550143E+09 is 4045550143. None if the spreadsheet dropped digits."""
    matched = SCIENTIFIC.fullmatch(text)
    if matched is None:
        return None
    plain = text.lstrip("'+").replace(",", ".")
    try:
        number = Decimal(plain)
    except InvalidOperation:
        return None
    given = sum(character.isdigit() for character in plain.lower().partition("e")[0])
    # Trailing zeros are not written: up to two of them belong to the number.
    is_whole = given >= int(matched[1]) + 1 - 2 and number == number.to_integral_value()
    return str(int(number)) if is_whole else None

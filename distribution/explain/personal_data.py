"""Recognizes personal data in the values of a trace. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WORD: Final = re.compile(r"[^\W\d_]+")
EMAIL: Final = re.compile(r"[^\s@\"'<>]+@[^\s@\"'<>]+\.[^\s@\"'<>]{2,}")
PHONE_PUNCTUATION: Final = str.maketrans("", "", " ()-./")
MIN_NAME: Final = 3
MIN_PHRASE: Final = 8
# The columns of routing_lead, in the order that build_person reads.
PERSON_COLUMNS: Final = (
    *("email", "phone", "first_name", "last_name", "address"),
    *("city", "county", "state", "zip", "vertical"),
)


@dataclass(frozen=True, slots=True)
class Person:
    """What must not be revealed. `names` match whole values; `phrases` match inside values too.

    `public`: the lead's values that conditions may read. `full_name`: the words of the first and the last name, empty
    unless both are known. A text that has all of them, in any order, names the person.
    """

    email: str
    phone: str
    names: frozenset[str]
    phrases: tuple[str, ...]
    public: frozenset[str]
    full_name: frozenset[str]


def build_person(values: Sequence[str | None]) -> Person:
    """`values` are in the order of PERSON_COLUMNS."""
    email, phone, first_name, last_name, address, *public = [
        (value or "").strip().casefold() for value in values
    ]
    phrases = [address] if len(address) >= MIN_PHRASE else []
    if first_name and last_name:
        phrases.append(f"{first_name} {last_name}")
    return Person(
        email=email,
        phone=phone.removeprefix("+1").removeprefix("+"),
        names=frozenset(name for name in (first_name, last_name, address) if len(name) >= MIN_NAME),
        phrases=tuple(phrases),
        public=frozenset(public),
        full_name=frozenset(_words(f"{first_name} {last_name}") if first_name and last_name else ()),
    )


def recognize(value: str | int, person: Person, *, is_rule: bool) -> str | None:
    """Return what `value` reveals about the person, or None. A rule's own words are not the lead's."""
    if isinstance(value, int):
        # It must match as a whole: a seed or a rank may have any digits.
        is_phone = person.phone != "" and str(value) in (person.phone, f"1{person.phone}")
        return "the lead's phone number" if is_phone else None
    folded = value.strip().casefold()
    if EMAIL.search(folded) or (person.email and person.email in folded):
        return "an email address"
    if person.phone and person.phone in folded.translate(PHONE_PUNCTUATION):
        return "the lead's phone number"
    if is_rule or folded in person.public:
        return None
    if folded in person.names or any(phrase in folded for phrase in person.phrases):
        return "a name or the address of the lead"
    return "the name of the lead" if names_person(folded, person) else None


def names_person(text: str, person: Person) -> bool:
    """True for a text with the full name, including a key such as call_ada_lovelace."""
    return bool(person.full_name) and person.full_name <= set(_words(text.casefold()))


def _words(text: str) -> list[str]:
    return WORD.findall(text)

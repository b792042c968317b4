"""Recognizes a lead's own contact data in what its sender wrote elsewhere. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any, Final, NamedTuple, Protocol

import orjson

from routing.values.personal import HIDDEN, as_text, hide_personal, is_personal_name, is_personal_value
from routing.values.plain import make_plain

WORD: Final = re.compile(r"[^\W\d_]+")
TOKEN: Final = re.compile(r"[^\W_]+")
# The last seven digits of a number identify it, with or without the area code.
LOCAL_DIGITS: Final = 7
# Ten digits are a whole number of North America, however they are separated.
WHOLE_DIGITS: Final = 10
# Fields that conditions read and that no sender writes freely, or that name places.
NEVER_CONTACT: Final = frozenset(
    {*("zip", "state", "country", "county", "counties", "city", "vertical", "source", "region", "consent")}
)
DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
SHORTEST_NAME: Final = 3
SHORTEST_FULL_NAME: Final = 6
SHORTEST_LOCAL_PART: Final = 4


class Facts(NamedTuple):
    """What is compared, in plain spelling."""

    names: tuple[str, ...]
    words: frozenset[str]
    full_names: tuple[str, ...]
    email: str
    local_part: str
    digits: str
    address: str
    street: tuple[str, ...]


@dataclass(frozen=True)
class Contact:
    """What identifies the person."""

    first_name: str = field(default="", repr=False)
    last_name: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    address: str = field(default="", repr=False)

    @cached_property
    def facts(self) -> Facts:
        names = tuple(make_plain(each).strip() for each in (self.first_name, self.last_name))
        words = frozenset(WORD.findall(" ".join(names)))
        first, last = ("".join(WORD.findall(each)) for each in names)
        email, address = make_plain(self.email).strip(), " ".join(TOKEN.findall(make_plain(self.address)))
        return Facts(
            names=names,
            words=words,
            full_names=(first + last, last + first) if first and last else (),
            email=email,
            local_part=email.partition("@")[0],
            digits=_digits(make_plain(self.phone))[-LOCAL_DIGITS:],
            address=address,
            street=_find_street(address),
        )


class HasContact(Protocol):
    """A stored lead: a column without a value is None."""

    @property
    def first_name(self) -> str | None: ...
    @property
    def last_name(self) -> str | None: ...
    @property
    def email(self) -> str | None: ...
    @property
    def phone(self) -> str | None: ...
    @property
    def address(self) -> str | None: ...


def read_contact(lead: HasContact) -> Contact:
    return Contact(
        *(each or "" for each in (lead.first_name, lead.last_name, lead.email, lead.phone, lead.address))
    )


# What parse_contact reads, of a lead `l`.
CONTACT_SQL: Final = "json_build_array(l.first_name, l.last_name, l.email, l.phone, l.address)::text"


def parse_contact(text: str) -> Contact:
    """`text`: what CONTACT_SQL returns."""
    return Contact(*(each or "" for each in orjson.loads(text)))


def hide_contact(name: str, value: object, contact: Contact) -> object:
    """Return the value of a condition field without what names the lead's person, for traces and decisions.

    Places and the like stay as they are: a county may have the name of a person. Of the sender's own attributes a value
    with one word of the name stays, unless it is nothing else: it may be a color or a company.
    """
    if name in NEVER_CONTACT:
        return value
    if isinstance(value, list):
        hidden = [hide_contact(name, each, contact) for each in value]
        return HIDDEN if _has_number(" ".join(map(str, value)), contact) else hidden
    text = as_text(value)
    return HIDDEN if text is not None and reveals(text, contact) else hide_personal(name, value)


def reveals(text: str, contact: Contact) -> bool:
    """Whether the text has the lead's email address, phone number, street address or full name, or is its name."""
    plain = make_plain(text)
    return (
        _is_name(plain, contact)
        or _has_full_name(plain, contact)
        or _has_number(plain, contact)
        or _has_email(plain, contact)
        or _has_address(plain, contact)
    )


def identifies(value: Any, contact: Contact) -> bool:
    """Whether any part of the value is contact data, or looks like it. Strict: for what strangers are shown.

    A key may name contact data too. A number may be spread over the items of a list.
    """
    if _names_contact(value):
        return True
    leaves = list(_leaves(value))
    return any(_is_contact(each, contact) for each in leaves) or _has_number(" ".join(leaves), contact)


def _names_contact(value: Any) -> bool:
    """Whether a key at any depth says that it holds contact data."""
    if isinstance(value, Mapping):
        return any(is_personal_name(str(key)) or _names_contact(each) for key, each in value.items())
    return isinstance(value, list | tuple) and any(map(_names_contact, value))


def _leaves(value: Any) -> Iterator[str]:
    """Keys and values at any depth, as text."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield str(key)
            yield from _leaves(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _leaves(each)
    elif (text := as_text(value)) is not None:
        yield text


def _is_contact(text: str, contact: Contact) -> bool:
    plain = make_plain(text)
    return (
        is_personal_value(text)
        or _is_whole_number(plain)
        or not contact.facts.words.isdisjoint(each for each in WORD.findall(plain) if len(each) > 1)
        or _has_local_part(plain, contact)
        or reveals(text, contact)
    )


def _is_name(plain: str, contact: Contact) -> bool:
    text = plain.strip()
    return len(text) >= SHORTEST_NAME and text in contact.facts.names


def _has_full_name(plain: str, contact: Contact) -> bool:
    """In any order, also without a blank between the names."""
    facts = contact.facts
    if not facts.full_names:
        return False
    words = WORD.findall(plain)
    if facts.words <= set(words):
        return True
    joined = "".join(words)
    return len(facts.full_names[0]) >= SHORTEST_FULL_NAME and any(each in joined for each in facts.full_names)


def _has_number(text: str, contact: Contact) -> bool:
    digits = contact.facts.digits
    return len(digits) == LOCAL_DIGITS and digits in _digits(make_plain(text))


def _is_whole_number(plain: str) -> bool:
    """A date is none."""
    return len(_digits(plain)) >= WHOLE_DIGITS and DATE.match(plain) is None


def _has_email(plain: str, contact: Contact) -> bool:
    email = contact.facts.email
    return email != "" and email in "".join(plain.split())


def _has_local_part(plain: str, contact: Contact) -> bool:
    local_part = contact.facts.local_part
    return len(local_part) >= SHORTEST_LOCAL_PART and local_part in TOKEN.findall(plain)


def _has_address(plain: str, contact: Contact) -> bool:
    """The whole address, or the house number with the first word of the street."""
    facts = contact.facts
    text = f" {' '.join(TOKEN.findall(plain))} "
    return any(f" {each} " in text for each in (facts.address, *facts.street) if each)


def _find_street(address: str) -> tuple[str, ...]:
    """`12 peachtree street ne` gives `12 peachtree`."""
    tokens = address.split()
    pairs = pairwise(tokens)
    return tuple(
        f"{number} {word}" for number, word in pairs if number[0].isdigit() and len(word) >= SHORTEST_NAME
    )


def _digits(plain: str) -> str:
    return "".join(filter(str.isdigit, plain))

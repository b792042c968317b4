"""The fields that conditions may name, with the readers of their literals. Imports no Django."""

from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from typing import Final

from routing.conditions import KnownFields
from routing.conditions.fields import Reader
from routing.places.regions import REGIONS
from routing.places.zips import list_known_counties, list_states
from routing.values.canonical import (
    Canonical,
    LiteralError,
    read_country,
    read_county_name,
    read_plain,
    read_region,
    read_source,
    read_state,
    read_vertical,
    read_zip,
    read_zip_prefix,
)
from routing.values.personal import explain_personal

WHOLE: Final = frozenset({"eq", "ne", "in", "not_in"})
PARTS: Final = frozenset({"contains", "starts_with"})
ORDER: Final = frozenset({"lt", "lte", "gt", "gte", "between"})


def _reader(read: Canonical, *, read_part: Callable[[str, str], str] | None = None) -> Reader:
    """`read` normalizes whole literals and `read_part` partial ones. Literals of order operators do not change."""

    def read_literal(op: str, text: str) -> str:
        if op in WHOLE:
            return read(text)
        return read_part(op, text) if read_part is not None and op in PARTS else text

    return read_literal


def _read_part(op: str, text: str, *, known: Callable[[], Iterable[str]], what: str) -> str:
    """Correct the letter case of a part of a known name. Names outside the US are not known."""
    parts = {part for name in known() for part in _find_parts(op, text, name=name)}
    if text in parts:
        return text
    if len(parts) == 1:
        return parts.pop()
    if parts:
        raise LiteralError(f"{text!r} could be {' or '.join(sorted(parts))}: write which one")
    if "-" in text:
        return text.upper() if what == "state" else text
    raise LiteralError(f"{text!r}: no {what} {'starts with' if op == 'starts_with' else 'contains'} it")


def _find_parts(op: str, text: str, *, name: str) -> Iterator[str]:
    """The parts of the name that differ from the text only in letter case."""
    starts = [0] if op == "starts_with" else range(len(name) - len(text) + 1)
    for start in starts:
        part = name[start : start + len(text)]
        if part.casefold() == text.casefold():
            yield part


def _read_part_of_zip(op: str, text: str) -> str:
    if op == "starts_with":
        return read_zip_prefix(text)
    if not text.isdigit() and "-" not in text:
        raise LiteralError(f"{text!r} is in no ZIP code: write digits, or DE-30312 outside the US")
    return text


def _read_part_of_vertical(op: str, text: str) -> str:  # noqa: ARG001 - one signature for all
    return read_vertical(text) if text.strip("_ -") else text


@cache
def _county_names() -> tuple[str, ...]:
    return tuple(set(list_known_counties().values()))


_read_part_of_county = partial(_read_part, known=_county_names, what="county")

CONDITION_FIELDS: Final = KnownFields(
    kinds={
        "zip": "text",
        "state": "text",
        "country": "text",
        "county": "text",
        "counties": "text",
        "city": "text",
        "vertical": "text",
        "source": "text",
        "consent": "flag",
        "region": "text",
        "industry": "text",
        "company_size": "number",
        "revenue": "number",
    },
    readers={
        "zip": _reader(read_zip, read_part=_read_part_of_zip),
        "state": _reader(read_state, read_part=partial(_read_part, known=list_states, what="state")),
        "country": _reader(read_country),
        "county": _reader(read_county_name, read_part=_read_part_of_county),
        # A member is compared as a whole.
        "counties": lambda op, text: read_county_name(text) if op in WHOLE | {"contains"} else text,
        "city": _reader(read_plain),
        "vertical": _reader(read_vertical, read_part=_read_part_of_vertical),
        "source": _reader(read_source),
        "region": _reader(read_region, read_part=partial(_read_part, known=lambda: REGIONS, what="region")),
    },
    lists=frozenset({"counties"}),
    refuse=explain_personal,
)

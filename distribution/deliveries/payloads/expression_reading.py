"""Reads the expressions of a template from JSON, and says what is wrong with one and how to fix it."""

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, tzinfo
from typing import Any, Final

from distribution.deliveries.payloads.expressions import (
    MISSING,
    PART,
    Constant,
    Expression,
    Placeholder,
    Text,
    fold_key,
)
from distribution.deliveries.payloads.fields import ATTRIBUTES, FIELDS, find_field_problem, get_kind
from distribution.deliveries.payloads.formats import find_format_problem
from routing.calendar.zones import UnknownTimezone, load_zone

MAX_TEXT: Final = 2_000
MAX_MAP: Final = 200
# A text this close to the name of a field is a misspelled field, not a constant.
NEAR: Final = 0.8
NAME: Final = re.compile(r"[A-Za-z_.]+")
SOURCES: Final = ("field", "text", "value")


class ExpressionError(ValueError):
    """The message gives the problem and the fix."""


def read_expression(document: object) -> Expression:
    """Raises ExpressionError."""
    if isinstance(document, str):
        return Expression(source=_read_short_text(document))
    if _is_scalar(document):
        return Expression(source=Constant(document))
    if not isinstance(document, Mapping):
        raise ExpressionError('must be text, a number, true, false, null or an object like {"field": "zip"}')
    if unknown := [key for key in document if key not in OPTIONS and key not in (*SOURCES, "format", "zone")]:
        known = ", ".join((*SOURCES, "format", "zone", *OPTIONS))
        raise ExpressionError(f"unknown option {unknown[0]!r}: use {known}")
    source = _read_source(document)
    return Expression(source=source, **dict(_read_options(document)))


def _read_source(document: Mapping[str, Any]) -> Placeholder | Text | Constant:
    given = [name for name in SOURCES if name in document]
    if len(given) != 1:
        raise ExpressionError(f"needs exactly one of {', '.join(SOURCES)}")
    if given != ["field"] and (extra := [name for name in ("format", "zone") if name in document]):
        raise ExpressionError(f"{extra[0]} needs a field: in a text write {{received_at|date}}")
    if given == ["value"]:
        return _read_constant(document["value"])
    text = document[given[0]]
    if not isinstance(text, str):
        raise ExpressionError(f"{given[0]} must be text")
    if given == ["text"]:
        return read_text(text)
    return read_placeholder(text, document.get("format", ""), zone=_read_zone(document.get("zone", "UTC")))


def _read_constant(value: object) -> Constant:
    values = value if isinstance(value, list) else [value]
    if not all(_is_scalar(item) or isinstance(item, str) for item in values):
        raise ExpressionError("value must be text, a number, true, false, null or a list of those")
    return Constant(value)


def _read_short_text(text: str) -> Placeholder | Text | Constant:
    if find_field_problem(text) is None:
        return Placeholder(text)
    near = difflib.get_close_matches(text, FIELDS, n=1, cutoff=NEAR) if NAME.fullmatch(text) else []
    if near or text.startswith(ATTRIBUTES):
        known = f"did you mean {near[0]!r}?" if near else "use attributes.<key>."
        raise ExpressionError(
            f'unknown field {text!r}: {known} For this text itself write {{"value": "{text}"}}'
        )
    return read_text(text)


def read_text(text: str) -> Placeholder | Text | Constant:
    """Raises ExpressionError."""
    if len(text) > MAX_TEXT:
        raise ExpressionError(f"is longer than {MAX_TEXT} characters: shorten it")
    parts = list(_split_text(text))
    if len(parts) == 1 and isinstance(parts[0], Placeholder):
        return parts[0]
    if not any(isinstance(part, Placeholder) for part in parts):
        return Constant("".join(str(part) for part in parts))
    return Text(tuple(parts))


def _split_text(text: str) -> Iterator[str | Placeholder]:
    end = 0
    for found in PART.finditer(text):
        if found.start() > end:
            yield text[end : found.start()]
        end = found.end()
        if found[0] in ("{{", "}}"):
            yield found[0][0]
        elif found[0] in ("{", "}"):
            raise ExpressionError(f"{found[0]!r} without its pair: write {found[0] * 2} for the character")
        else:
            yield read_placeholder(found["field"], found["format"] or "")
    if text[end:]:
        yield text[end:]


def read_placeholder(field: str, format_name: object, *, zone: tzinfo = UTC) -> Placeholder:
    """Raises ExpressionError."""
    if problem := find_field_problem(field):
        raise ExpressionError(problem)
    if not isinstance(format_name, str):
        raise ExpressionError("format must be text, like date or %m/%d/%Y")
    if format_name and (problem := find_format_problem(format_name, kind=get_kind(field))):
        raise ExpressionError(problem)
    return Placeholder(field, format_name, zone)


def _read_zone(name: object) -> tzinfo:
    try:
        return load_zone(str(name))
    except UnknownTimezone:
        raise ExpressionError(f"unknown time zone {name!r}: use a name like America/New_York") from None


def _read_options(document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, (attribute, read) in OPTIONS.items():
        if name in document:
            yield attribute, read(document[name])
    if "otherwise" in document and "map" not in document:
        raise ExpressionError("otherwise needs a map")


def _read_map(value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not value:
        raise ExpressionError('map must be an object like {"yes": "Y", "no": "N"}')
    if len(value) > MAX_MAP:
        raise ExpressionError(f"map has more than {MAX_MAP} values: use fewer")
    folded: dict[str, Any] = {}
    for key, mapped in value.items():
        if fold_key(key) in folded:
            raise ExpressionError(f"map has {key!r} twice: letter case does not count")
        folded[fold_key(key)] = _read_result(mapped)
    return folded


def _read_result(value: object) -> Any:
    if not _is_scalar(value) and not isinstance(value, str):
        raise ExpressionError(
            "values of map, otherwise and default must be text, a number, true, false or null"
        )
    return MISSING if value is None else value


def _read_flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ExpressionError("omit_blank and secret must be true or false")
    return value


def _read_join(value: object) -> str:
    if not isinstance(value, str):
        raise ExpressionError('join must be text, like ";"')
    return value


def _is_scalar(value: object) -> bool:
    """Also false for infinite numbers, which JSON lacks."""
    if isinstance(value, float):
        return value - value == 0
    return value is None or isinstance(value, bool | int)


OPTIONS: Final[Mapping[str, tuple[str, Callable[[object], Any]]]] = {
    "map": ("value_map", _read_map),
    "otherwise": ("otherwise", _read_result),
    "default": ("default", _read_result),
    "join": ("join", _read_join),
    "omit_blank": ("omit_blank", _read_flag),
    "secret": ("is_secret", _read_flag),
}

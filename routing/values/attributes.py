"""The custom attributes of a lead: a JSON object of bounded size, flattened to attributes.<key> for conditions."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from routing.values.normalize import FieldError
from routing.values.wide_number import WideNumber
from tracing.plainvalues import make_integer

MAX_KEYS = 100
MAX_DEPTH = 5
MAX_LIST_ITEMS = 1_000
MAX_TEXT = 1_000
MAX_INTEGER = 2**63
# Limits for reading stored leads. They are wider than those of intake.
DEEPEST = 20
MAX_DIGITS = 1_000
KEY = re.compile(r"[A-Za-z0-9_]{1,64}")

Problem = tuple[str, FieldError]  # path, error


def find_attribute_problems(attributes: object) -> Iterator[Problem]:
    """Yield the reasons why `attributes` cannot be stored. A path contains only valid keys."""
    if not isinstance(attributes, Mapping):
        yield "attributes", FieldError("invalid_type", 'must be an object like {"roof_age": 12}')
        return
    counts = {"keys": 0, "items": 0}
    yield from _find_object_problems(attributes, path="attributes", depth=1, counts=counts)
    if counts["keys"] > MAX_KEYS:
        yield "attributes", FieldError("too_many", f"has more than {MAX_KEYS} keys: send fewer")
    if counts["items"] > MAX_LIST_ITEMS:
        yield "attributes", FieldError("too_many", f"has more than {MAX_LIST_ITEMS} list items: send fewer")


def _find_object_problems(
    value: Mapping[str, Any], *, path: str, depth: int, counts: dict[str, int]
) -> Iterator[Problem]:
    counts["keys"] += len(value)
    if counts["keys"] > MAX_KEYS:
        return
    for key, inner in value.items():
        if not isinstance(key, str) or not KEY.fullmatch(key):
            yield (
                path,
                FieldError("invalid_key", "has a key that is not 1 to 64 letters, digits and _: rename it"),
            )
        else:
            yield from _find_problems(inner, path=f"{path}.{key}", depth=depth, counts=counts)


def _find_problems(value: object, *, path: str, depth: int, counts: dict[str, int]) -> Iterator[Problem]:
    # Fast path: nearly every value is short printable ASCII text.
    if type(value) is str and len(value) <= MAX_TEXT and value.isascii() and value.isprintable():
        return
    if isinstance(value, Mapping | list):
        if depth >= MAX_DEPTH:
            yield path, FieldError("too_deep", f"is nested deeper than {MAX_DEPTH} levels: flatten it")
        elif isinstance(value, Mapping):
            yield from _find_object_problems(value, path=path, depth=depth + 1, counts=counts)
        else:
            yield from _find_list_problems(value, path=path, depth=depth + 1, counts=counts)
    elif error := _find_scalar_error(value):
        yield path, error


def _find_list_problems(
    value: list[object], *, path: str, depth: int, counts: dict[str, int]
) -> Iterator[Problem]:
    counts["items"] += len(value)
    if counts["items"] > MAX_LIST_ITEMS:
        return
    for index, inner in enumerate(value):
        yield from _find_problems(inner, path=f"{path}[{index}]", depth=depth, counts=counts)


def _find_scalar_error(value: object) -> FieldError | None:
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, WideNumber):
        return FieldError("too_large", "does not fit in 64 bits: send it as text")
    if isinstance(value, str):
        return _find_text_error(value)
    if isinstance(value, int):
        fits = -MAX_INTEGER <= value < MAX_INTEGER
        return None if fits else FieldError("too_large", "does not fit in 64 bits: send it as text")
    if isinstance(value, float):
        if not math.isfinite(value):
            return FieldError("invalid", "is not a finite number: send null")
        # PostgreSQL returns 1e22 as a whole number, which does not fit in 64 bits.
        return None if abs(value) < MAX_INTEGER else FieldError("too_large", "is too large: send it as text")
    return FieldError("invalid_type", "must be text, a number, true, false, null, a list or an object")


def _find_text_error(value: str) -> FieldError | None:
    if len(value) > MAX_TEXT:
        return FieldError("too_long", f"is longer than {MAX_TEXT} characters: shorten it")
    if "\x00" in value:
        return FieldError("invalid_characters", "has a NUL character: remove it")
    try:
        value.encode()
    except UnicodeEncodeError:
        return FieldError("invalid_characters", "has half a surrogate pair: send it as valid UTF-8")
    return None


def flatten_attributes(
    attributes: Mapping[str, Any], *, prefix: str = "attributes.", depth: int = 1
) -> dict[str, Any]:
    """Join nested keys with dots. Omits nulls, values nested deeper than DEEPEST, and non-scalar list items."""
    flat: dict[str, Any] = {}
    if depth > DEEPEST:
        return flat
    for key, value in attributes.items():
        if isinstance(value, Mapping):
            flat.update(flatten_attributes(value, prefix=f"{prefix}{key}.", depth=depth + 1))
        elif isinstance(value, list):
            flat[prefix + key] = [_bound(item) for item in value if isinstance(item, str | int | float)]
        elif value is not None:
            flat[prefix + key] = _bound(value)
    return flat


def read_stored(text: str) -> dict[str, Any]:
    """Return stored attributes. Never raises: one unreadable lead must not block the leads after it.

    A number with too many digits becomes text. Attributes nested too deeply to parse become {}.
    """
    try:
        read = json.loads(text)
    except ValueError:
        read = json.loads(text, parse_int=_read_long)
    except RecursionError:
        return {}
    return read if isinstance(read, dict) else {}


def _read_long(digits: str) -> int | str:
    return int(digits) if len(digits) <= MAX_DIGITS else f"(a number of {len(digits)} digits)"


def _bound(value: Any) -> Any:
    """Return as text what a trace cannot store: whole numbers beyond 64 bits, infinities and NaN.

    Old leads, or leads stored by SQL, may have them.
    """
    if isinstance(value, int):
        return value if -MAX_INTEGER <= value < MAX_INTEGER else str(make_integer(value))
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value

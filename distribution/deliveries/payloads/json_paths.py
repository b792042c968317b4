"""Paths into a JSON answer: `lead.status`, `results[0].price`, `errors[*].message`, `["a.b"].c`."""

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, TypeAlias

STEP: Final = re.compile(
    r"""(?P<dot>\.)?(?P<name>[^\s.\[\]"'$/@]+)|\[(?:(?P<position>[0-9]{1,6})|(?P<every>\*)|"(?P<quoted>[^"]+)")\]"""
)
EVERY: Final = None

# A name, a position, or every item.
JsonPath: TypeAlias = tuple[str | int | None, ...]


class PathError(ValueError):
    """The message gives the problem and the fix."""


def read_json_path(text: str) -> JsonPath:
    """Raises PathError."""
    path = tuple(_split(text.strip().removeprefix("$")))
    if not path:
        raise PathError(
            f"{text!r} is no path of JSON: write names with dots, like lead.status or results[0].price"
        )
    return path


def _split(text: str) -> Iterator[str | int | None]:
    end = 0
    for found in STEP.finditer(text):
        if found.start() != end or (
            found["name"] and bool(found["dot"]) is (end == 0) and not text.startswith(".")
        ):
            break
        end = found.end()
        if found["position"]:
            yield int(found["position"])
        else:
            yield EVERY if found["every"] else found["name"] or found["quoted"]
    if end != len(text):
        raise PathError(
            f"{text!r} is no path of JSON: write names with dots, like lead.status or results[0].price"
        )


def find_in_json(value: Any, path: JsonPath) -> Iterator[Any]:
    """All values at the path, in order."""
    if not path:
        yield value
        return
    step, rest = path[0], path[1:]
    if step is EVERY:
        for item in value if isinstance(value, list) else ():
            yield from find_in_json(item, rest)
    elif isinstance(step, int):
        if isinstance(value, list) and step < len(value):
            yield from find_in_json(value[step], rest)
    elif isinstance(value, Mapping) and step in value:
        yield from find_in_json(value[step], rest)


def write_json_value(value: Any) -> str:
    """The text that a term is compared with: true, 12.50, or the text itself."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return "; ".join(value)
    return json.dumps(value, ensure_ascii=False, default=str)

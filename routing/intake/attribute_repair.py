"""Repairs attributes that cannot be stored, instead of rejecting the lead. Each repair adds a correction."""

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Final

from routing.intake.corrections import CORRECTED, DROPPED, MOVED, SHORTENED, Corrections
from routing.values.attributes import (
    KEY,
    MAX_DEPTH,
    MAX_INTEGER,
    MAX_KEYS,
    MAX_LIST_ITEMS,
    MAX_TEXT,
    find_attribute_problems,
)
from routing.values.wide_number import WideNumber, read_integer

MAX_KEY: Final = 64
NOT_IN_KEYS: Final = re.compile(r"[^A-Za-z0-9_]+")
UNNAMED: Final = "field"
# Each unknown key is compared with the earlier ones to get a unique name.
MAX_UNKNOWN: Final = 200
# For an object sent as text. The input guard saw only text, so this bounds its depth.
MAX_BRACKETS: Final = 200


def repair_attributes(attributes: object, corrections: Corrections) -> dict[str, Any]:
    """Return attributes that pass find_attribute_problems. Attributes without a problem are not changed."""
    if not isinstance(attributes, Mapping):
        attributes = _read_attributes(attributes, corrections)
    if next(find_attribute_problems(attributes), None) is None:
        return dict(attributes)
    return _Repair(corrections).repair_object(attributes, path="attributes", depth=1)


def make_key(text: object) -> str:
    """Make a key of 1 to 64 letters, digits and _. What_service from "What service?"."""
    plain = unicodedata.normalize("NFKD", str(text)).encode("ascii", "ignore").decode()
    return NOT_IN_KEYS.sub("_", plain).strip("_")[:MAX_KEY] or UNNAMED


def choose_key(key: str, *, taken: Mapping[str, Any]) -> str:
    """Return `key`, with a number appended if it is taken."""
    chosen, number = key, 1
    while chosen in taken:
        number += 1
        chosen = f"{key[: MAX_KEY - 5]}_{number}"
    return chosen


def read_object(text: str) -> dict[str, Any] | None:
    """Return the JSON object in `text`, or None. Forms without brackets can only send an object as text."""
    if text.count("{") + text.count("[") > MAX_BRACKETS:
        return None
    try:
        read = json.loads(text, parse_int=read_integer)
    except ValueError:
        return None
    return read if isinstance(read, dict) else None


def _read_attributes(value: object, corrections: Corrections) -> Mapping[str, Any]:
    """Read an object sent as text. Store any other value as attributes.attributes."""
    if isinstance(value, str):
        if not value.strip():
            return {}
        if (read := read_object(value)) is not None:
            return read
    message = 'is not an object like {"roof_age": 12}: kept as attributes.attributes'
    corrections.add("attributes", MOVED, message, received=value)
    return {"attributes": value}


class _Repair:
    """Repairs the attributes of one lead. Counts keys and list items across all levels."""

    def __init__(self, corrections: Corrections) -> None:
        self.corrections = corrections
        self.keys = 0
        self.items = 0

    def repair_object(self, value: Mapping[Any, Any], *, path: str, depth: int) -> dict[str, Any]:
        repaired: dict[str, Any] = {}
        for key, inner in value.items():
            if self.keys >= MAX_KEYS:
                self.corrections.add(
                    path, DROPPED, f"has more than {MAX_KEYS} keys: the extra keys were left out"
                )
                break
            self.keys += 1
            name = self._name(key, path=path, taken=repaired)
            repaired[name] = self._repair(inner, path=f"{path}.{name}", depth=depth)
        return repaired

    def _name(self, key: object, *, path: str, taken: Mapping[str, Any]) -> str:
        if isinstance(key, str) and KEY.fullmatch(key):
            return choose_key(key, taken=taken)
        name = choose_key(make_key(key), taken=taken)
        message = f"has a key that is not 1 to 64 letters, digits and _: kept as {name}"
        self.corrections.add(f"{path}.{name}", CORRECTED, message, received=key)
        return name

    def _repair(self, value: object, *, path: str, depth: int) -> Any:
        if isinstance(value, Mapping | list) and depth >= MAX_DEPTH:
            self.corrections.add(path, CORRECTED, f"is nested deeper than {MAX_DEPTH} levels: kept as text")
            return self._repair_text(json.dumps(value, ensure_ascii=False, default=str), path=path)
        if isinstance(value, Mapping):
            return self.repair_object(value, path=path, depth=depth + 1)
        if isinstance(value, list):
            return self._repair_list(value, path=path, depth=depth + 1)
        if isinstance(value, WideNumber):
            self.corrections.add(path, CORRECTED, "does not fit in 64 bits: kept as text", received=value)
            return str(value)[:MAX_TEXT]
        if isinstance(value, str):
            return self._repair_text(value, path=path)
        return self._repair_number(value, path=path)

    def _repair_list(self, value: list[object], *, path: str, depth: int) -> list[Any]:
        room = max(MAX_LIST_ITEMS - self.items, 0)
        if len(value) > room:
            self.corrections.add(path, SHORTENED, f"has more than {MAX_LIST_ITEMS} list items: truncated")
        self.items += min(len(value), room)
        return [
            self._repair(inner, path=f"{path}[{index}]", depth=depth)
            for index, inner in enumerate(value[:room])
        ]

    def _repair_text(self, value: str, *, path: str) -> str:
        text = value.replace("\x00", "").encode(errors="replace").decode()
        if text != value:
            self.corrections.add(
                path, CORRECTED, "has characters that cannot be stored: removed", received=value
            )
        if len(text) > MAX_TEXT:
            self.corrections.add(
                path, SHORTENED, f"is longer than {MAX_TEXT} characters: truncated", received=value
            )
        return text[:MAX_TEXT]

    def _repair_number(self, value: object, *, path: str) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float) and -MAX_INTEGER <= value < MAX_INTEGER:
            return value
        text = str(value)[:MAX_TEXT]
        self.corrections.add(
            path, CORRECTED, "is a number that cannot be stored: kept as text", received=text
        )
        return text

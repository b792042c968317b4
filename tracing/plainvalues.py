"""Brings any value into a form that JSON and PostgreSQL can store. Other values become text, and their paths are
listed.

The recorder falls back on it, so that no value of a lead or a configuration prevents a trace. Pure.
"""

import math
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

SMALLEST: Final = -(2**63)
LARGEST: Final = 2**63 - 1
MAX_TEXT: Final = 10_000
MAX_DEPTH: Final = 20
MAX_PATHS: Final = 20
# Python converts no longer number to text; for a larger one only its size is recorded.
MAX_BITS: Final = 4_096
UNREADABLE: Final = "\N{REPLACEMENT CHARACTER}"
# The key under which a document lists the paths of its values that became text.
AS_TEXT: Final = "recorded_as_text"


class PlainValues:
    """`changed`: the paths of the first values that had to be changed."""

    def __init__(self) -> None:
        self.changed: list[str] = []

    def make(self, value: object, *, path: str = "", depth: int = 0) -> Any:
        """Return the value, or a plain substitute. Never raises for a value."""
        if value is None or value is True or value is False:
            return value
        if isinstance(value, str):
            return self._note(value, make_text(value), path)
        if isinstance(value, int):
            return self._note(value, make_integer(value), path)
        if isinstance(value, float):
            return float(value) if math.isfinite(value) else self._note(None, str(float(value)), path)
        if isinstance(value, Mapping | list | tuple | set | frozenset):
            if depth >= MAX_DEPTH:
                return self._note(None, f"(nested deeper than {MAX_DEPTH} levels)", path)
            if isinstance(value, Mapping):
                return self.make_object(value, path=path, depth=depth)
            return self._make_list(value, path=path, depth=depth)
        return self._note(None, _spell(value), path)

    def make_object(self, value: Mapping[Any, Any], *, path: str = "", depth: int = 0) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, inner in value.items():
            name = make_text(key) if isinstance(key, str) else _spell(key)
            where = f"{path}.{name}" if path else name
            if name != key:
                self._note(None, name, where)
            made[name] = self.make(inner, path=where, depth=depth + 1)
        return made

    def _make_list(self, value: Iterable[Any], *, path: str, depth: int) -> list[Any]:
        return [self.make(each, path=f"{path}[{place}]", depth=depth + 1) for place, each in enumerate(value)]

    def _note(self, value: object, made: Any, path: str) -> Any:
        if made != value and len(self.changed) < MAX_PATHS:
            self.changed.append(path[:MAX_TEXT])
        return made


def make_text(text: str) -> str:
    """Replace what PostgreSQL cannot store (NUL, half a surrogate pair), and cut a long text."""
    kept = str.__str__(text[: MAX_TEXT + 1])
    if kept.isascii() and "\x00" not in kept and len(kept) <= MAX_TEXT:
        return kept  # nearly all, and the way through UTF-16 takes three times as long
    kept = kept.replace("\x00", UNREADABLE)
    kept = kept.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return kept if len(kept) <= MAX_TEXT else f"{kept[:MAX_TEXT]} (cut)"


def make_integer(number: int) -> int | str:
    if SMALLEST <= number <= LARGEST:
        return int(number)
    bits = number.bit_length()
    return str(int(number)) if bits <= MAX_BITS else f"(a number of {bits} bits)"


def make_column(value: Any) -> Any:
    """Return a value that a column can store; None for a number that no column can store."""
    if isinstance(value, str):
        return make_text(value)
    if isinstance(value, int):
        return value if SMALLEST <= value <= LARGEST else None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


def _spell(value: object) -> str:
    if isinstance(value, int):
        return str(make_integer(value))
    if isinstance(value, float | Decimal | UUID):
        return str(value)[:MAX_TEXT]
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, bytes | bytearray):
        return make_text(bytes(value[:MAX_TEXT]).decode(errors="replace"))
    # Its own repr could be long and could contain personal data.
    return f"({type(value).__name__})"

"""Which fields a condition may name, and what kind of value each holds."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

# Field name -> str, int, float, bool or a list of those. None counts as missing.
Fields = Mapping[str, object]
FieldKind = Literal["text", "number", "flag"]

KIND_TYPES: dict[FieldKind, tuple[type, ...]] = {"text": (str,), "number": (int, float), "flag": (bool,)}


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFields:
    """Top-level names with their kinds, and prefixes below which any name of any kind may follow."""

    kinds: Mapping[str, FieldKind]
    open_prefixes: tuple[str, ...] = ("attributes.",)

    def find_problem(self, field: str) -> str | None:
        if field in self.kinds or field.startswith(self.open_prefixes):
            return None
        near = difflib.get_close_matches(field, self.kinds, n=1)
        if near:
            return f"unknown field {field!r}: did you mean {near[0]!r}?"
        names = ", ".join([*sorted(self.kinds), *(prefix + "<key>" for prefix in self.open_prefixes)])
        return f"unknown field {field!r}: use one of {names}"

    def get_kind(self, field: str) -> FieldKind | None:
        return self.kinds.get(field)

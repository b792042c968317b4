"""The fields that a condition may name, the kind of each, and the form of its literals."""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

# Field name -> str, int, float, bool or a list of those. None counts as missing.
Fields = Mapping[str, object]
FieldKind = Literal["text", "number", "flag"]
# Operator and literal -> the normalized literal. Raises ValueError with the problem and the fix.
Reader = Callable[[str, str], str]

KIND_TYPES: dict[FieldKind, tuple[type, ...]] = {"text": (str,), "number": (int, float), "flag": (bool,)}
# The operators for a field that is always a list.
LIST_OPS = frozenset({"contains", "in", "not_in", "exists", "missing"})


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFields:
    """Top-level names with their kinds, and prefixes that any name of any kind may follow.

    `readers` normalize the literals of a field. `refuse` returns why a name with a prefix is not allowed, or None.
    """

    kinds: Mapping[str, FieldKind]
    open_prefixes: tuple[str, ...] = ("attributes.",)
    readers: Mapping[str, Reader] = field(default_factory=dict)
    lists: frozenset[str] = frozenset()
    refuse: Callable[[str], str | None] = lambda _: None

    def find_problem(self, name: str) -> str | None:
        if name in self.kinds:
            return None
        if name.startswith(self.open_prefixes):
            return self.refuse(name)
        near = difflib.get_close_matches(name, self.kinds, n=1)
        if near:
            return f"unknown field {name!r}: did you mean {near[0]!r}?"
        names = ", ".join([*sorted(self.kinds), *(prefix + "<key>" for prefix in self.open_prefixes)])
        return f"unknown field {name!r}: use one of {names}"

    def get_kind(self, name: str) -> FieldKind | None:
        return self.kinds.get(name)

    def find_list_problem(self, name: str, op: str) -> str | None:
        if name in self.lists and op not in LIST_OPS:
            return f"{name} is a list: {op} compares one value; use contains or in"
        return None

    def read(self, name: str, op: str, literal: object) -> object:
        """Return the normalized literal, or the literal itself if the field has no reader. Raises ValueError."""
        reader = self.readers.get(name)
        return literal if reader is None or not isinstance(literal, str) else reader(op, literal)

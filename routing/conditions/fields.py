"""Which fields a condition may name, what kind of value each holds, and in what form its literals are written."""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

# Field name -> str, int, float, bool or a list of those. None counts as missing.
Fields = Mapping[str, object]
FieldKind = Literal["text", "number", "flag"]
# Operator and literal -> the literal as leads have it. Raises ValueError with what is wrong and the fix.
Reader = Callable[[str, str], str]

KIND_TYPES: dict[FieldKind, tuple[type, ...]] = {"text": (str,), "number": (int, float), "flag": (bool,)}
# Of a field that is always a list.
LIST_OPS = frozenset({"contains", "in", "not_in", "exists", "missing"})


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFields:
    """Top-level names with their kinds, and prefixes below which any name of any kind may follow.

    `readers`: what brings the literals of a field into its one form. `refuse`: why a name below a prefix may not be
    used, or None.
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
        """The literal in the form that leads have. Raises ValueError; what has no reader comes back as it is."""
        reader = self.readers.get(name)
        return literal if reader is None or not isinstance(literal, str) else reader(op, literal)

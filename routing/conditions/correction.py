"""Normalizes the literals of a condition to the form that leads have, if nothing is lost."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from routing.conditions.fields import KnownFields

Step = str | int


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A literal that was normalized. `path` is like that of problems: all[0].value[2]."""

    path: str
    was: Any
    now: Any

    def __str__(self) -> str:
        return (
            f"{self.path}: {self.was!r} is saved as {self.now!r}"
            if self.path
            else f"{self.was!r} is saved as {self.now!r}"
        )


def correct_condition(condition: Any, *, fields: KnownFields) -> tuple[Any, list[Rewrite]]:
    """Return the condition with normalized literals, and the changes. Unreadable literals are unchanged."""
    rewrites: list[Rewrite] = []
    return _correct(condition, fields, "", rewrites), rewrites


def _correct(node: Any, fields: KnownFields, path: str, rewrites: list[Rewrite]) -> Any:
    if not isinstance(node, dict):
        return node
    if "field" in node:
        return _correct_leaf(node, fields, path, rewrites)
    return {
        key: [
            _correct(each, fields, f"{_join(path, key)}[{index}]", rewrites)
            for index, each in enumerate(inner)
        ]
        if isinstance(inner, list)
        else _correct(inner, fields, _join(path, key), rewrites)
        for key, inner in node.items()
    }


def _correct_leaf(leaf: dict[str, Any], fields: KnownFields, path: str, rewrites: list[Rewrite]) -> Any:
    name, op, value = leaf.get("field"), leaf.get("op"), leaf.get("value")
    if not isinstance(name, str) or not isinstance(op, str) or value is None:
        return leaf
    found = correct_value(name, op, value, fields=fields)
    rewrites += [Rewrite(f"{_join(path, 'value')}{where}", was, now) for where, was, now in found]
    if not found:
        return leaf
    changed = {where: now for where, _, now in found}
    if isinstance(value, list):
        return {**leaf, "value": [changed.get(f"[{index}]", each) for index, each in enumerate(value)]}
    return {**leaf, "value": changed[""]}


def correct_value(name: str, op: str, value: Any, *, fields: KnownFields) -> list[tuple[str, Any, Any]]:
    """Return (where, was, now) for each literal of a leaf that is not normalized."""
    return [
        (where, item, now)
        for where, item in _items(value)
        if (now := _read_or_keep(name, op, item, fields)) != item
    ]


def find_literal_problem(name: str, op: str, value: Any, *, fields: KnownFields) -> str | None:
    """Return the problem of the first literal that no lead can have, with its fix, or None."""
    for _, item in _items(value):
        try:
            now = fields.read(name, op, item)
        except ValueError as error:
            return str(error)
        if now != item:
            return f"{item!r} never matches: write {now!r}"
    return None


def _items(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list):
        yield from ((f"[{index}]", item) for index, item in enumerate(value))
    else:
        yield "", value


def _read_or_keep(name: str, op: str, item: Any, fields: KnownFields) -> Any:
    try:
        return fields.read(name, op, item)
    except ValueError:
        return item


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key

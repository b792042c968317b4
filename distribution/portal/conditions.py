"""Conditions as rows that a person fills in: a field, an operator, a value. Pure.

Only a list of tests that must all hold has such rows. What programs or the agency wrote with more levels has none.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from routing.conditions.lead_fields import CONDITION_FIELDS
from routing.conditions.operators import as_number

ALL: Final = "all"
ATTRIBUTE: Final = "attributes."
FIELDS: Final = (
    ("zip", "ZIP code"),
    ("city", "City"),
    ("county", "County"),
    ("state", "State"),
    ("vertical", "Kind of work"),
)
LISTS: Final = frozenset({"in", "not_in"})
WITHOUT_VALUE: Final = frozenset({"exists", "missing"})
OPERATORS: Final = (
    ("in", "is one of"),
    ("not_in", "is none of"),
    ("gte", "is at least"),
    ("lte", "is at most"),
    ("gt", "is more than"),
    ("lt", "is less than"),
    ("starts_with", "starts with"),
    ("exists", "is given"),
    ("missing", "is missing"),
)
# Of one value, the same in the list.
AS_LIST: Final = {"eq": "in", "ne": "not_in"}
FLAGS: Final = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True)
class Row:
    field: str
    op: str
    value: str = ""


def read_rows(condition: Any) -> list[Row] | None:
    """None: rows cannot show it."""
    if not condition:
        return []
    if not isinstance(condition, Mapping):
        return None
    leaves = condition[ALL] if set(condition) == {ALL} else [condition]
    rows = [_read_row(leaf) for leaf in leaves] if isinstance(leaves, list) else [None]
    return None if None in rows else [row for row in rows if row is not None]


def _read_row(leaf: Any) -> Row | None:
    """A row must give back what is stored."""
    if not isinstance(leaf, Mapping) or not isinstance(leaf.get("field"), str):
        return None
    name, op, value = leaf["field"], str(leaf.get("op")), leaf.get("value")
    if op in AS_LIST:
        op, value = AS_LIST[op], [value]
    if op not in dict(OPERATORS):
        return None
    row = Row(name, op, write_value(value))
    return row if op in WITHOUT_VALUE or make_leaf(row)["value"] == value else None


def make_condition(rows: Sequence[Row]) -> dict[str, Any]:
    leaves = [make_leaf(row) for row in rows]
    if len(leaves) == 1:
        return leaves[0]
    return {ALL: leaves} if leaves else {}


def make_leaf(row: Row) -> dict[str, Any]:
    if row.op in WITHOUT_VALUE:
        return {"field": row.field, "op": row.op}
    return {"field": row.field, "op": row.op, "value": read_value(row.field, row.op, row.value)}


def read_value(name: str, op: str, text: str) -> Any:
    """Of the type that the field has. Attributes may be numbers, text, yes or no."""
    if op in LISTS:
        return [_read_one(name, part.strip()) for part in text.split(",") if part.strip()]
    return _read_one(name, text.strip())


def _read_one(name: str, text: str) -> Any:
    kind = CONDITION_FIELDS.kinds.get(name, "any")
    if kind in ("flag", "any") and text.lower() in FLAGS:
        return FLAGS[text.lower()]
    number = as_number(text) if kind in ("number", "any") else None
    if number is None:
        return text
    return int(number) if float(number).is_integer() else number


def write_value(value: Any) -> str:
    return ", ".join(map(_write_one, value)) if isinstance(value, list | tuple) else _write_one(value)


def _write_one(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def list_fields(names: Iterable[str]) -> list[tuple[str, str]]:
    """What a person can choose: the usual fields, and these."""
    others = sorted(set(names) - dict(FIELDS).keys())
    return [*FIELDS, *((name, label_field(name)) for name in others)]


def describe_line(row: Row) -> str:
    """ "Roof age is at least 5"."""
    return f"{label_field(row.field)} {dict(OPERATORS)[row.op]} {row.value}".rstrip()


def label_field(name: str) -> str:
    words = name.removeprefix(ATTRIBUTE).replace("_", " ")
    return dict(FIELDS).get(name, words[:1].upper() + words[1:])


def name_fields(condition: Any) -> set[str]:
    """Every field that a condition reads."""
    if isinstance(condition, Mapping):
        named = {condition["field"]} if isinstance(condition.get("field"), str) else set()
        return named.union(*(name_fields(each) for each in condition.values()))
    return set().union(*(name_fields(each) for each in condition)) if isinstance(condition, list) else set()

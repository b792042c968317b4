"""Describes a condition in words."""

from collections.abc import Callable

from routing.conditions.operators import OPERATORS, as_flag, as_number
from routing.conditions.tree import Leaf, Node

MAX_LISTED = 8


def describe_node(node: Node, *, inside_group: bool = False) -> str:
    if isinstance(node, Leaf):
        return describe_leaf(field=node.field, op=node.shown_op, value=node.value)
    if not node.members:
        return "every lead" if node.kind == "all" else "no lead"
    if len(node.members) == 1:
        return describe_node(node.members[0], inside_group=inside_group)
    joiner = " and " if node.kind == "all" else " or "
    text = joiner.join(describe_node(member, inside_group=True) for member in node.members)
    return f"({text})" if inside_group else text


def describe_leaf(*, field: str, op: str, value: object) -> str:
    """`op` may be one that `failures()` reports for a leaf under `not`, such as not_lt."""
    name = field.removeprefix("attributes.")
    # Only attributes may have any type, so only their values need quotes.
    describe = describe_typed if name != field else describe_scalar
    if op in OPERATORS:
        return f"{name} {OPERATORS[op].phrase} {describe_value(op, value, describe=describe)}".rstrip()
    positive = op.removeprefix("not_")
    return f"not {name} {OPERATORS[positive].phrase} {describe_value(positive, value, describe=describe)}"


def describe_value(op: str, value: object, *, describe: Callable[[object], str]) -> str:
    if value is None:
        return ""
    if not isinstance(value, list | tuple):
        return describe(value)
    if op == "between":
        return " and ".join(map(describe, value))
    shown = ", ".join(map(describe, value[:MAX_LISTED]))
    hidden = len(value) - MAX_LISTED
    return f"{shown} and {hidden} more" if hidden > 0 else shown


def describe_scalar(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if value != "" else "empty"


def describe_typed(value: object) -> str:
    """Text that looks like a number or a flag is quoted, as in JSON."""
    if isinstance(value, str) and (as_number(value) is not None or as_flag(value) is not None):
        return f'"{value}"'
    return describe_scalar(value)

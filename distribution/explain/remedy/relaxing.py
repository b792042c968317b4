"""Relaxes a condition just enough to accept a lead. Pure.

The tree has its negations at the leaves. A failing leaf is widened to the lead's value or, if it cannot be widened,
left out. Of several alternatives, the one that requires the fewest changes is relaxed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from routing.conditions import ConditionError, compile_condition, describe_leaf
from routing.conditions.operators import as_number, reader_of
from routing.conditions.tree import Group, Leaf, Node, build_tree

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Relaxed:
    """`condition` None: no condition is left. `changes`: one sentence for each changed leaf."""

    condition: Any
    changes: tuple[str, ...]


def relax(condition: Any, *, fields: Fields) -> Relaxed:
    """Return a condition that accepts `fields`. `condition` must be well formed."""
    return _relax(build_tree(condition), fields)


def accepts(condition: Any, *, fields: Fields) -> bool:
    """False also if `condition` is invalid."""
    try:
        return compile_condition(condition).matches(fields)
    except ConditionError:
        return False


def _relax(node: Node, fields: Fields) -> Relaxed:
    condition = _as_condition(node)
    if accepts(condition, fields=fields):
        return Relaxed(condition, ())
    if isinstance(node, Leaf):
        return _relax_leaf(node, fields)
    relaxed = [_relax(member, fields) for member in node.members]
    if node.kind == "all":
        kept = [each.condition for each in relaxed if each.condition is not None]
        return Relaxed({"all": kept} if kept else None, tuple(c for each in relaxed for c in each.changes))
    if not relaxed:  # `not` of the empty condition
        return Relaxed(None, ("remove the condition that can never match",))
    return _relax_any(node, relaxed)


def _relax_any(node: Group, relaxed: list[Relaxed]) -> Relaxed:
    nearest = min(range(len(relaxed)), key=lambda index: len(relaxed[index].changes))
    chosen = relaxed[nearest]
    if chosen.condition is None:
        return chosen
    members = [_as_condition(member) for member in node.members]
    members[nearest] = chosen.condition
    return Relaxed({"any": members}, chosen.changes)


def _relax_leaf(leaf: Leaf, fields: Fields) -> Relaxed:
    observed = fields.get(leaf.field)
    was = describe_leaf(field=leaf.field, op=leaf.shown_op, value=leaf.value)
    wider = None if leaf.negated else _widen(leaf, observed)
    if wider is not None and accepts(wider, fields=fields):
        now = describe_leaf(field=leaf.field, op=wider["op"], value=wider["value"])
        return Relaxed(wider, (f"“{was}” to “{now}”",))
    return Relaxed(None, (f"leave out “{was}”",))


def _widen(leaf: Leaf, observed: Any) -> dict[str, Any] | None:
    """Return the leaf with the nearest value that may accept `observed`. The caller tries it."""
    value = leaf.value
    match leaf.op:
        case "eq":
            return _leaf(leaf, "in", [value, observed])
        case "in":
            return _leaf(leaf, "in", [*value, *(observed[:1] if isinstance(observed, list) else [observed])])
        case "not_in":
            left = [each for each in value if reader_of(each)(observed) != each]
            return _leaf(leaf, "not_in", left) if left else None
        case "lt" | "lte":
            return _bound(leaf, "lte", observed)
        case "gt" | "gte":
            return _bound(leaf, "gte", observed)
        case "between" if not isinstance(value[0], str) and (number := as_number(observed)) is not None:
            return _leaf(leaf, "between", [min(value[0], number), max(value[1], number)])
    return None


def _bound(leaf: Leaf, op: str, observed: Any) -> dict[str, Any] | None:
    """Use a number if the leaf has one, even if the lead has text."""
    bound = observed if isinstance(leaf.value, str) else as_number(observed)
    return None if bound is None else _leaf(leaf, op, bound)


def _leaf(leaf: Leaf, op: str, value: Any) -> dict[str, Any]:
    return {"field": leaf.field, "op": op, "value": value}


def _as_condition(node: Node) -> Any:
    if isinstance(node, Group):
        if not node.members:
            return {} if node.kind == "all" else {"not": {}}
        return {node.kind: [_as_condition(member) for member in node.members]}
    plain = {"field": node.field, "op": node.op}
    if node.op not in ("exists", "missing"):
        plain["value"] = node.value
    return {"not": plain} if node.negated else plain

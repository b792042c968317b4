"""Relaxes a condition as little as it takes to accept a lead. Pure.

The tree has its negations at the leaves: a leaf that fails is widened to what the lead has or, where no wider value
is near, left out. Of alternatives the one is relaxed that takes the fewest changes.
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
    """`condition` None: nothing is left to ask. `changes`: in words, one for each leaf that was changed."""

    condition: Any
    changes: tuple[str, ...]


def relax(condition: Any, *, fields: Fields) -> Relaxed:
    """Return a condition that accepts `fields`. `condition` must be well formed."""
    return _relax(build_tree(condition), fields)


def accepts(condition: Any, *, fields: Fields) -> bool:
    """False also for what is no condition."""
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
    """The leaf with the nearest value that could take `observed`; the caller tries it."""
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
    """A number beside a number, although the lead spells it as text."""
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

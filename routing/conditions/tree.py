"""A condition with its negations pushed down to the leaves.

In three-valued logic (true, false, unknown), `not` of a group is the opposite group of the negated members. If only
leaves are negated, an unknown leaf can count as false: all and any never turn a false into a true.
"""

from dataclasses import dataclass
from typing import Any, Literal

from routing.conditions.operators import OPERATORS


@dataclass(frozen=True, slots=True)
class Leaf:
    field: str
    op: str
    value: Any
    negated: bool

    @property
    def shown_op(self) -> str:
        return OPERATORS[self.op].opposite if self.negated else self.op


@dataclass(frozen=True, slots=True)
class Group:
    kind: Literal["all", "any"]
    members: tuple["Node", ...]


Node = Leaf | Group


def build_tree(condition: Any, *, negated: bool = False) -> Node:
    """`condition` must have passed validation."""
    if not condition:
        return Group("any" if negated else "all", ())
    if "not" in condition:
        return build_tree(condition["not"], negated=not negated)
    if "field" in condition:
        return Leaf(condition["field"], condition["op"], condition.get("value"), negated)
    [(kind, members)] = condition.items()
    shown_kind: Literal["all", "any"] = "all" if (kind == "all") != negated else "any"
    return Group(shown_kind, tuple(build_tree(member, negated=negated) for member in members))


def is_never_true(node: Node) -> bool:
    """True if no lead can match, as with `not` of the empty condition."""
    if isinstance(node, Leaf):
        return False
    return (any if node.kind == "all" else all)(is_never_true(member) for member in node.members)

"""Turns a condition into closures: made once for a configuration, run for every lead and buyer."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from routing.conditions.fields import Fields
from routing.conditions.observed import shorten
from routing.conditions.operators import OPERATORS
from routing.conditions.tree import Leaf, Node, build_tree
from routing.conditions.validation import validate
from routing.conditions.wording import describe_node

Predicate = Callable[[Fields], bool]


@dataclass(frozen=True, slots=True)
class CompiledNode:
    """One node of the tree with its own closure, so that a failure is explained without compiling."""

    matches: Predicate
    node: Node
    members: tuple["CompiledNode", ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition. `fields` are the names it reads."""

    # A closure in a slot, not a method: it saves one call for each buyer and lead.
    matches: Predicate
    fields: frozenset[str]
    root: CompiledNode

    def failures(self, fields: Fields) -> list[dict[str, Any]]:
        """The leaves that made it false, in order; [] when it matches. Under `not` the op is reversed.

        A long observed value is shown by its beginning.
        """
        return [
            {
                "field": leaf.field,
                "op": leaf.shown_op,
                "required": leaf.value,
                "observed": shorten(fields.get(leaf.field)),
            }
            for leaf in _find_failing(self.root, fields)
        ]

    def describe(self) -> str:
        return describe_node(self.root.node)


def compile_condition(condition: object) -> Condition:
    """Raise ConditionError when it is malformed."""
    validate(condition, fields=None)
    root = _compile(build_tree(condition))
    return Condition(matches=root.matches, fields=frozenset(_list_fields(root.node)), root=root)


def _compile(node: Node) -> CompiledNode:
    if isinstance(node, Leaf):
        return CompiledNode(compile_leaf(node), node)
    members = tuple(_compile(member) for member in node.members)
    tests = tuple(member.matches for member in members)
    if len(tests) == 1:
        return CompiledNode(tests[0], node, members)
    return CompiledNode(_compile_all(tests) if node.kind == "all" else _compile_any(tests), node, members)


def compile_leaf(leaf: Leaf) -> Predicate:
    """The leaf's own test. Its value must have passed validation."""
    name = leaf.field
    if leaf.shown_op == "missing":
        return lambda fields: fields.get(name) is None
    if leaf.shown_op == "exists":
        return lambda fields: fields.get(name) is not None
    holds = OPERATORS[leaf.op].make(leaf.value)
    if leaf.negated:
        return lambda fields: (value := fields.get(name)) is not None and not holds(value)
    return lambda fields: (value := fields.get(name)) is not None and holds(value)


# Plain loops: all() and any() over a generator cost about twice as much.
def _compile_all(tests: tuple[Predicate, ...]) -> Predicate:
    def matches_all(fields: Fields) -> bool:
        for test in tests:  # noqa: SIM110
            if not test(fields):
                return False
        return True

    return matches_all


def _compile_any(tests: tuple[Predicate, ...]) -> Predicate:
    def matches_any(fields: Fields) -> bool:
        for test in tests:  # noqa: SIM110
            if test(fields):
                return True
        return False

    return matches_any


def _find_failing(compiled: CompiledNode, fields: Fields) -> Iterator[Leaf]:
    if compiled.matches(fields):
        return
    if isinstance(compiled.node, Leaf):
        yield compiled.node
    for member in compiled.members:
        yield from _find_failing(member, fields)


def _list_fields(node: Node) -> Iterator[str]:
    if isinstance(node, Leaf):
        yield node.field
    else:
        for member in node.members:
            yield from _list_fields(member)

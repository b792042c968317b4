"""Finds conditions that contradict each other, so that no lead can pass all of them. Pure.

Sound but not complete: what it reports is a contradiction for every lead, but it misses some. It checks the leaves that
must hold together, field by field, and each branch of an `any` separately.
"""

from collections import defaultdict
from collections.abc import Callable, Container, Iterator, Sequence
from typing import Any

from routing.conditions.compilation import compile_leaf
from routing.conditions.tree import Leaf, Node

# True if no lead can pass all of these leaves.
Conflict = Callable[[Sequence[Leaf]], bool]

# Operators that are always false for a list.
NEED_ONE_VALUE = frozenset({"eq", "lt", "lte", "gt", "gte", "between", "starts_with"})


def exclude_each_other(nodes: Sequence[Node], *, conflict: Conflict) -> bool:
    """True if no lead can pass all of these. False proves nothing."""
    leaves: list[Leaf] = []
    choices: list[Sequence[Node]] = []
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if isinstance(node, Leaf):
            leaves.append(node)
        elif node.kind == "all":
            waiting += node.members
        else:
            choices.append(node.members)
    return conflict(leaves) or any(
        all(exclude_each_other([*leaves, way], conflict=conflict) for way in ways) for ways in choices
    )


def leave_no_value(leaves: Sequence[Leaf], *, single: Container[str]) -> bool:
    """True if some field can neither have a value nor be missing under all of its leaves.

    Fields in `single` never hold a list; any other field may.
    """
    by_field: dict[str, list[Leaf]] = defaultdict(list)
    for leaf in leaves:
        by_field[leaf.field].append(leaf)
    return any(_fits_nothing(asked, is_single=name in single) for name, asked in by_field.items())


def list_allowed(leaves: Sequence[Leaf], *, is_single: bool) -> list[Any] | None:
    """The values that pass all leaves of one field, if a leaf lists them; None if they are not limited to a list.

    Values are written as in the literals: a lead may spell the number 12 as text.
    """
    if len(_literal_kinds(leaves)) > 1:
        return None  # "12" and "12.0" are equal as numbers but differ as text
    ops = {leaf.shown_op for leaf in leaves}
    listed = [[leaf.value] for leaf in leaves if leaf.shown_op == "eq"]
    # A list passes `in` with one common member, so other members may differ.
    if is_single or ops & NEED_ONE_VALUE:
        listed += [leaf.value for leaf in leaves if leaf.shown_op == "in"]
    if not listed:
        return None
    name, tests = leaves[0].field, [compile_leaf(leaf) for leaf in leaves]
    return [value for value in min(listed, key=len) if all(test({name: value}) for test in tests)]


def _fits_nothing(leaves: Sequence[Leaf], *, is_single: bool) -> bool:
    ops = {leaf.shown_op for leaf in leaves}
    if "missing" in ops:
        return ops != {"missing"}  # every other operator needs a value
    allowed = list_allowed(leaves, is_single=is_single)
    if allowed is not None:
        return not allowed
    return _is_empty_range(leaves) or _start_differently(leaves)


def _literal_kinds(leaves: Sequence[Leaf]) -> set[str]:
    return {
        "flag" if isinstance(each, bool) else "text" if isinstance(each, str) else "number"
        for leaf in leaves
        if leaf.value is not None
        for each in (leaf.value if isinstance(leaf.value, list | tuple) else [leaf.value])
    }


def _is_empty_range(leaves: Sequence[Leaf]) -> bool:
    """True if bounds of one kind leave nothing between them. A value can be between numbers and between texts."""
    bounds = [bound for leaf in leaves for bound in _bounds(leaf)]
    texts = [bound for bound in bounds if isinstance(bound[0], str)]
    numbers = [bound for bound in bounds if not isinstance(bound[0], str)]
    return _leave_nothing_between(texts) or _leave_nothing_between(numbers)


def _leave_nothing_between(bounds: Sequence[tuple[Any, bool, bool]]) -> bool:
    lows = [(value, is_open) for value, is_low, is_open in bounds if is_low]
    highs = [(value, not is_open) for value, is_low, is_open in bounds if not is_low]
    if not lows or not highs:
        return False
    (low, is_low_open), (high, is_high_closed) = max(lows), min(highs)
    return bool(low > high or (low == high and (is_low_open or not is_high_closed)))


def _bounds(leaf: Leaf) -> Iterator[tuple[Any, bool, bool]]:
    """Yield the value, whether it is a lower bound, and whether the bound itself is excluded."""
    op, value = leaf.shown_op, leaf.value
    if op in {"gt", "gte"}:
        yield value, True, op == "gt"
    elif op in {"lt", "lte"}:
        yield value, False, op == "lt"
    elif op == "between":
        yield value[0], True, False
        yield value[1], False, False
    elif op == "starts_with":
        yield value, True, False  # every text with this prefix sorts at or after it


def _start_differently(leaves: Sequence[Leaf]) -> bool:
    starts = [leaf.value for leaf in leaves if leaf.shown_op == "starts_with"]
    longest = max(starts, key=len, default="")
    return not all(longest.startswith(start) for start in starts)

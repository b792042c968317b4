"""The oracle's conditions: three-valued recursion to True, False or None for unknown."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def truth(condition: Any, fields: Any) -> bool | None:
    if not condition:
        return True
    if "all" in condition:
        values = [truth(each, fields) for each in condition["all"]]
        return False if False in values else None if None in values else True
    if "any" in condition:
        values = [truth(each, fields) for each in condition["any"]]
        return True if True in values else None if None in values else False
    if "not" in condition:
        value = truth(condition["not"], fields)
        return None if value is None else not value
    return _leaf(condition["op"], fields.get(condition["field"]), condition.get("value"))


def _leaf(op: str, seen: Any, wanted: Any) -> bool | None:
    if op in ("missing", "exists"):
        return (seen is None) == (op == "missing")
    if seen is None:
        return None
    if op in ("ne", "not_in"):
        return not _leaf("eq" if op == "ne" else "in", seen, wanted)
    if op == "in":
        members = seen if isinstance(seen, list) else [seen]
        return any(_same(member, each) for member in members for each in wanted)
    if op == "contains" and isinstance(seen, list):
        return any(_same(member, wanted) for member in seen)
    return _compare(op, seen, wanted)


def _read(seen: Any, wanted: Any) -> Any:
    """The lead's value in the type of the wanted one; only the spellings that the strategies draw."""
    kinds = (_kind(seen), _kind(wanted))
    if kinds == ("number", "text"):
        return f"{seen:g}"
    if kinds == ("text", "number") and seen.isdecimal():
        return int(seen)
    return seen


def _compare(op: str, seen: Any, wanted: Any) -> bool:
    if op != "between":
        seen = _read(seen, wanted)
    if op == "eq":
        return _same(seen, wanted)
    if op == "between":
        return _compare("gte", seen, wanted[0]) and _compare("lte", seen, wanted[1])
    if op in ("contains", "starts_with"):
        if not isinstance(seen, str) or not isinstance(wanted, str):
            return False
        return wanted in seen if op == "contains" else seen.startswith(wanted)
    if _kind(seen) != _kind(wanted) or _kind(seen) not in ("number", "text"):
        return False
    compare: dict[str, Callable[[Any, Any], bool]] = {
        "lt": lambda a, b: a < b,
        "lte": lambda a, b: a <= b,
        "gt": lambda a, b: a > b,
        "gte": lambda a, b: a >= b,
    }
    return compare[op](seen, wanted)


def _same(one: Any, other: Any) -> bool:
    one = _read(one, other)
    return bool(_kind(one) == _kind(other) and _kind(one) != "list" and one == other)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else "list"

"""JSON Merge Patch (RFC 7396), and the flat names of nested fields. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any


def merge(target: Any, patch: Any) -> Any:
    """Return the target with the patch applied: a member that is null is removed, an object is merged."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge(merged.get(name), value)
    return merged


def flatten(patch: Mapping[str, Any], *, groups: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, Any]]:
    """Yield ("caps.day", 5) for {"caps": {"day": 5}}. A group that is null sets all of its members to null.

    `groups`: the members of each group by its name. A group that is no object is yielded under its own name.
    """
    for name, value in patch.items():
        if name in groups and value is None:
            yield from ((f"{name}.{member}", None) for member in groups[name])
        elif name in groups and isinstance(value, Mapping):
            yield from ((f"{name}.{member}", each) for member, each in value.items())
        else:
            yield name, value


def nest(flat: Mapping[str, Any]) -> dict[str, Any]:
    """The opposite: {"caps.day": 5} gives {"caps": {"day": 5}}."""
    nested: dict[str, Any] = {}
    for path, value in flat.items():
        group, dot, member = path.partition(".")
        if dot:
            nested.setdefault(group, {})[member] = value
        else:
            nested[path] = value
    return nested

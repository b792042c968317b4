"""Targets of a template: `contact.phone`, `answers[0].key`, `a\\.b` for a dot within a name. They make one tree.

In XML the last name may be an attribute: `lead.phone.@type`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from distribution.deliveries.payloads.expressions import Expression

Path: TypeAlias = tuple[str | int, ...]
TOKEN: Final = re.compile(r"(?P<name>(?:\\.|[^\\.\[\]])+)|\[(?P<position>[0-9]{1,3})\]|(?P<dot>\.)")
ESCAPED: Final = re.compile(r"\\(.)")
TEXT: Final = "#text"
XML_NAME: Final = re.compile(r"(?!xml)[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*", re.IGNORECASE)
DECLARATION: Final = "@xmlns:"
MAX_DEPTH: Final = 10


class TargetError(ValueError):
    """The message gives the problem and the fix."""


@dataclass(slots=True)
class Branch:
    """An object, a list (keys are positions) or an element, in the order of the template."""

    children: "dict[str | int, Branch | Expression]" = field(default_factory=dict)

    @property
    def is_list(self) -> bool:
        return any(isinstance(key, int) for key in self.children)


def read_path(target: str) -> Path:
    """Raises TargetError."""
    path = tuple(_split(target))
    if not path or len(path) > MAX_DEPTH:
        raise TargetError(f"needs 1 to {MAX_DEPTH} names, like contact.phone or answers[0].key")
    return path


def _split(target: str) -> Iterator[str | int]:
    """A name is first and after each dot. A position follows a name or a position."""
    wants_name, end = True, 0
    for found in TOKEN.finditer(target):
        is_name = found["name"] is not None
        if found.start() != end or is_name is not wants_name:
            break
        end = found.end()
        wants_name = found["dot"] is not None
        if is_name:
            yield ESCAPED.sub(r"\1", found["name"])
        elif found["position"]:
            yield int(found["position"])
    if wants_name or end != len(target):
        raise TargetError("is not a target: write names with dots, like contact.phone or answers[0].key")


def read_xml_path(target: str) -> Path:
    """As read_path, with `#text` for the text of an element. Raises TargetError."""
    path = read_path(target)
    *elements, last = path
    is_attribute = isinstance(last, str) and last.startswith("@")
    for name in elements if is_attribute else path:
        if isinstance(name, str):
            _require_xml_name(name)
    if not is_attribute:
        return (*path, TEXT)
    if not elements:
        raise TargetError("is an attribute without an element: write lead.@id")
    if not str(last).startswith(DECLARATION) and last not in ("@xmlns", "@xml:lang"):
        _require_xml_name(str(last)[1:])
    return path


def _require_xml_name(name: str) -> None:
    prefix, colon, local = name.partition(":")
    names = (prefix, local) if colon else (prefix,)
    if not all(XML_NAME.fullmatch(each) for each in names):
        raise TargetError(
            f"{name!r} is not a name of XML: use letters, digits, _ and -, not xml at the start"
        )


def plant(root: Branch, path: Path, expression: Expression) -> None:
    """Raises TargetError if the tree has something else at this place."""
    branch = root
    for key in path[:-1]:
        _require_kind(branch, key)
        inner = branch.children.setdefault(key, Branch())
        if isinstance(inner, Expression):
            raise TargetError("goes below another target, which is a value: rename one of them")
        branch = inner
    _require_kind(branch, path[-1])
    if path[-1] in branch.children:
        raise TargetError("is the same place as another target: rename one of them")
    branch.children[path[-1]] = expression


def _require_kind(branch: Branch, key: str | int) -> None:
    if branch.children and branch.is_list is not isinstance(key, int):
        raise TargetError("uses names and positions at one place: use only one kind")


def find_gaps(branch: Branch, *, path: str = "") -> Iterator[str]:
    """Lists without a position below their last one."""
    if branch.is_list and set(branch.children) != set(range(len(branch.children))):
        yield path
    for key, inner in branch.children.items():
        if isinstance(inner, Branch):
            yield from find_gaps(
                inner, path=f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}".lstrip(".")
            )


def find_element_problem(root: Branch) -> str | None:
    """What keeps the tree from being one XML document."""
    if len(root.children) != 1 or root.is_list:
        return "needs one root element: begin every target with the same name, like lead.zip"
    [(name, element)] = root.children.items()
    if not isinstance(element, Branch) or element.is_list:
        return "has a root element with a position: remove it"
    declared = {
        str(key).removeprefix(DECLARATION) for key in element.children if str(key).startswith(DECLARATION)
    }
    used = {
        prefix
        for each in (str(name), *_list_names(element))
        for prefix in [each.partition(":")[0]]
        if ":" in each
    }
    if missing := sorted(used - declared - {"xmlns", "xml"}):
        return f"uses the prefix {missing[0]!r} without its namespace: add {name}.@xmlns:{missing[0]}"
    return next(_find_mixed(element), None)


def _list_names(branch: Branch) -> Iterator[str]:
    for key, inner in branch.children.items():
        yield str(key).removeprefix("@")
        if isinstance(inner, Branch):
            yield from _list_names(inner)


def _find_mixed(branch: Branch) -> Iterator[str]:
    inner_names = [str(key) for key in branch.children if key != TEXT and not str(key).startswith("@")]
    if TEXT in branch.children and inner_names:
        yield f"has an element with both a value and elements ({', '.join(inner_names[:3])}): keep one kind"
    for inner in branch.children.values():
        if isinstance(inner, Branch):
            yield from _find_mixed(inner)

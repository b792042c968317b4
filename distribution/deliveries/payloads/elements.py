"""Writes XML 1.0 in UTF-8: always well-formed, with the values unchanged but for characters that XML lacks."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

from distribution.deliveries.payloads.expressions import OMITTED, Expression, write_text
from distribution.deliveries.payloads.targets import TEXT, XML_NAME, Branch

DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'
FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# A parser turns a carriage return into a line feed unless it is written as a reference.
RETURN: Final[Mapping[str, str]] = {"\r": "&#13;"}

Evaluate = Callable[[Expression], Any]


def clean_text(text: str) -> str:
    return FORBIDDEN.sub("", text)


def write_element(name: str, content: str = "", attributes: Mapping[str, str] | None = None) -> str:
    """`content` is XML."""
    written = "".join(f" {key}={quoteattr(clean_text(value))}" for key, value in (attributes or {}).items())
    return f"<{name}{written}>{content}</{name}>"


def escape_text(text: str) -> str:
    return escape(clean_text(text), dict(RETURN))


def write_document(root: Branch, evaluate: Evaluate) -> bytes:
    """`root` has one element. It is written also if everything in it is omitted."""
    [(name, element)] = root.children.items()
    if isinstance(element, Expression):  # a template cannot have it
        raise TypeError(name)
    written = _write_branch(str(name), element, evaluate) or write_element(str(name))
    return (DECLARATION + written).encode()


def _write_branch(name: str, branch: Branch, evaluate: Evaluate) -> str:
    """Empty if everything in it is omitted; attributes alone keep an element. A list repeats it."""
    if branch.is_list:
        items = [inner for _, inner in sorted(branch.children.items()) if isinstance(inner, Branch)]
        return "".join(_write_branch(name, item, evaluate) for item in items)
    attributes = dict(_evaluate_attributes(branch, evaluate))
    if isinstance(text := branch.children.get(TEXT), Expression):
        return "".join(
            write_element(name, each, attributes) for each in _list_contents(evaluate(text), attributes)
        )
    content = "".join(
        _write_branch(str(key), inner, evaluate)
        for key, inner in branch.children.items()
        if isinstance(inner, Branch)
    )
    return write_element(name, content, attributes) if content or attributes else ""


def _evaluate_attributes(branch: Branch, evaluate: Evaluate) -> Iterator[tuple[str, str]]:
    for key, inner in branch.children.items():
        if isinstance(inner, Expression) and key != TEXT:
            value = evaluate(inner)
            if value is not OMITTED:
                yield str(key).removeprefix("@"), write_text(value)


def _list_contents(value: Any, attributes: Mapping[str, str]) -> list[str]:
    """The XML within each element: an object becomes elements."""
    if isinstance(value, Mapping):
        return ["".join(_write_value(str(key), inner) for key, inner in value.items())]
    return [escape_text(each) for each in list_texts(value)] or ([""] if attributes else [])


def _write_value(name: str, value: Any) -> str:
    valid = name if XML_NAME.fullmatch(name) else "_" + re.sub(r"[^A-Za-z0-9_.-]", "_", name)
    return "".join(write_element(valid, each) for each in _list_contents(value, {}))


def list_texts(value: Any) -> list[str]:
    """A list has several, and repeats the element or the field of a form."""
    if value is OMITTED:
        return []
    return [write_text(item) for item in value] if isinstance(value, list) else [write_text(value)]

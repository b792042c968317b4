"""Paths into an XML answer, a small part of XPath: `/response/status`, `status`, `//error`, `response/lead/@id`.

Prefixes of namespaces do not count. DTDs are refused, and with them every entity of an answer's own.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from xml.etree.ElementTree import Element

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from distribution.deliveries.payloads.json_paths import PathError

PREFIX: Final = re.compile(r"""("[^"]*"|'[^']*')|(?<![\w:.-])[A-Za-z_][\w.-]*:(?=[A-Za-z_*])""")
ATTRIBUTE: Final = re.compile(r"/?@([A-Za-z_][\w.-]*)$")
NAMESPACE: Final = re.compile(r"\{[^}]*\}")
NAME: Final = r"[A-Za-z_][\w.-]*"
QUOTED: Final = r"""(?:"[^"']*"|'[^"']*')"""
TEST: Final = rf"\[(?:[1-9][0-9]{{0,3}}|@?{NAME}|(?:@?{NAME}|\.)={QUOTED})\]"
STEP: Final = rf"(?:{NAME}|\*)(?:{TEST})*"
# The standard library's own parser accepts more, and not all of it makes sense.
STEPS: Final = re.compile(rf"/{{0,2}}{STEP}(?:/{STEP})*|")
DOCUMENT: Final = "document"


class XmlError(ValueError):
    """The answer is not one XML document, or has a DTD."""


@dataclass(frozen=True, slots=True)
class XmlPath:
    """`steps`: the first that finds an element counts. An empty `attribute` means the text of the element."""

    steps: tuple[str, ...]
    attribute: str = ""


def read_xml_path(text: str) -> XmlPath:
    """Raises PathError."""
    path = PREFIX.sub(lambda found: found[1] or "", text.strip()).removesuffix("/text()")
    attribute = found[1] if (found := ATTRIBUTE.search(path)) else ""
    steps = ATTRIBUTE.sub("", path)
    if "//" in steps[1:]:
        raise PathError(f"{text!r}: // is possible only at the start: write //error or /response/error")
    if not STEPS.fullmatch(steps) or not (steps or attribute):
        raise PathError(
            f"{text!r} is no path of XML: write elements with slashes, like /response/status or //error/@code"
        )
    return XmlPath(_list_steps(steps), attribute)


def _list_steps(steps: str) -> tuple[str, ...]:
    """From the document. A path without a slash at its start begins below the root element or with it."""
    if not steps:
        return ("./*",)
    return (f".{steps}",) if steps.startswith("/") else (f"./*/{steps}", f"./{steps}")


def parse_xml(body: bytes) -> Element:
    """A document whose only child is the root element. Raises XmlError."""
    try:
        root = fromstring(body.strip().removeprefix(b"\xef\xbb\xbf").lstrip(), forbid_dtd=True)
        for element in root.iter():
            element.tag = NAMESPACE.sub("", element.tag)
            element.attrib = {NAMESPACE.sub("", name): value for name, value in element.attrib.items()}
    except (ParseError, DefusedXmlException, ValueError, LookupError, RecursionError):
        raise XmlError from None
    document = Element(DOCUMENT)
    document.append(root)
    return document


def find_in_xml(document: Any, path: XmlPath) -> Iterator[str]:
    """All texts at the path, in order."""
    found = (list(document.iterfind(steps)) for steps in path.steps)
    for element in next(filter(None, found), []):
        if not path.attribute:
            yield "".join(element.itertext())
        elif path.attribute in element.attrib:
            yield element.attrib[path.attribute]

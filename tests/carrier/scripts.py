"""Reads the TwiML of a script: the verbs that a call performs. Anything else is an error, as at a strict carrier."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml.ElementTree import fromstring

VERBS: Final = {
    "Say": {"voice", "language", "loop"},
    "Play": {"loop", "digits"},
    "Pause": {"length"},
    "Hangup": set(),
    "Redirect": {"method"},
    "Gather": {
        *("input", "numDigits", "action", "method", "timeout", "finishOnKey", "actionOnEmptyResult"),
        *("language", "bargeIn"),
    },
}
NESTED: Final = ("Say", "Play", "Pause")


class BadScript(ValueError):
    """The carrier cannot perform this answer."""


@dataclass(frozen=True, slots=True)
class Verb:
    name: str
    options: dict[str, str]
    text: str
    nested: tuple["Verb", ...] = ()


def read_script(text: str) -> Sequence[Verb]:
    """Raises BadScript."""
    try:
        root = fromstring(text)
    except (ParseError, ValueError):
        raise BadScript("it is not XML") from None
    if root.tag != "Response":
        raise BadScript(f"it begins with <{root.tag}>")
    return [_read_verb(each) for each in root]


def _read_verb(element: Element) -> Verb:
    name = str(element.tag)
    if name not in VERBS:
        raise BadScript(f"<{name}> is not known")
    if unknown := element.attrib.keys() - VERBS[name]:
        raise BadScript(f"<{name}> has no {', '.join(sorted(unknown))}")
    nested = tuple(_read_verb(each) for each in element)
    if nested and (name != "Gather" or any(each.name not in NESTED for each in nested)):
        raise BadScript(f"<{name}> contains what it cannot contain")
    return Verb(name, dict(element.attrib), (element.text or "").strip(), nested)

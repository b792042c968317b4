"""Reads the answer of a buyer's system with the rules of its endpoint: accepted, rejected or unreadable; reason; price.

There is no standard answer body, and headers may be wrong. So a rule says what acceptance is. An answer to which the
rule cannot be applied is unreadable: it is no rejection, because the buyer may have the lead.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Any, Final, Literal

import re2

from distribution.deliveries.payloads.json_paths import (
    PathError,
    find_in_json,
    read_json_path,
    write_json_value,
)
from distribution.deliveries.payloads.problems import Problem
from distribution.deliveries.payloads.xml_paths import XmlError, find_in_xml, parse_xml, read_xml_path

AnswerFormat = Literal["json", "xml", "text"]
Find = Callable[[str], Sequence[str]]
MAX_REASON: Final = 200
LARGEST_PRICE: Final = Decimal(10_000_000)
PRICE: Final = re.compile(
    r"(?:USD|US\$|\$)?\s*(?P<number>(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,12})(?:\.[0-9]{1,12})?)\s*(?:USD)?"
)
# Control characters, and characters that hide or reorder text.
INVISIBLE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
# Other codecs of Python run code that is not for text from outside.
CHARSET: Final = re.compile(
    r"charset\s*=\s*[\"']?(us-ascii|ascii|iso-8859-[0-9]{1,2}|latin-?1|windows-125[0-9]|utf-?16(?:le|be)?)\b",
    re.IGNORECASE,
)
# What a value says that is no acceptance, when no term is given.
NEGATIVE: Final = frozenset({"", "false", "no", "null", "none", "[]", "{}"})
ZERO: Final = re.compile(r"-?0+(\.0*)?(e[+-]?[0-9]+)?")
PATH_RULES: Final = ("accept_path", "reason_path", "price_path", "bid_id_path")


class Verdict(StrEnum):
    """What an answer with status 2xx says."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    # Not in the expected format, empty or cut: the buyer may have the lead.
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRules:
    """The columns of an endpoint. Empty: no rule. `answer_format` replaces what the content type says."""

    accept_term: str = ""
    accept_path: str = ""
    reason_path: str = ""
    price_path: str = ""
    bid_id_path: str = ""
    answer_format: AnswerFormat | Literal[""] = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """`is_cut`: longer than what was read."""

    content_type: str
    body: bytes
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """`reason`: the buyer's words, at most 200 characters, no control characters. `price_cents`: what it names."""

    verdict: Verdict
    reason: str = ""
    price_cents: int | None = None


class UnreadableAnswer(Exception):
    """The answer does not have the format of the path."""


def find_rule_problems(rules: AnswerRules) -> Iterator[Problem]:
    for name in PATH_RULES:
        if path := getattr(rules, name):
            yield from (Problem(name, text) for text in _find_path_problems(path, rules.answer_format))


def _find_path_problems(path: str, answer_format: str) -> Iterator[str]:
    """Without a format, the path must be one of JSON or XML: either content type may come."""
    formats = [answer_format] if answer_format else list_languages(path)
    messages = []
    for each in formats:
        try:
            READERS[each](path)
        except PathError as error:
            messages.append(str(error))
    if len(messages) == len(formats):
        hint = "" if answer_format else "; for a regular expression set the answer format to text"
        yield messages[0] + hint


def list_languages(path: str) -> tuple[str, ...]:
    """The formats that a path may be for if none is set. A single name is a path of both."""
    if "/" in path or "@" in path:
        return ("xml",)
    return ("json",) if re.search(r"[.\[$]", path) else ("json", "xml")


def read_answer(answer: Answer, *, rules: AnswerRules) -> Reading:
    """For an answer with status 2xx. Never raises for an answer."""
    find = _make_finder(answer, rules)
    verdict = _judge(answer, rules, find)
    return Reading(verdict, read_reason(answer, rules=rules), _read_price(rules, find))


def read_reason(answer: Answer, *, rules: AnswerRules) -> str:
    """The buyer's reason, also of an answer with another status. Empty if there is none."""
    try:
        values = _make_finder(answer, rules)(rules.reason_path) if rules.reason_path else ()
    except UnreadableAnswer:
        return ""
    return next(filter(None, map(clean_reason, values)), "")


def clean_reason(text: str) -> str:
    """One line of at most 200 visible characters."""
    visible = INVISIBLE.sub("", re.sub(r"[\s\x1c-\x1f\x85\u2028\u2029]+", " ", text))
    return " ".join(visible.split())[:MAX_REASON].strip()


def find_text(answer: Answer, *, path: str, rules: AnswerRules) -> str | None:
    """The first value at the path. None: nothing is there, or the answer cannot be read."""
    try:
        values = _make_finder(answer, rules)(path) if path else ()
    except UnreadableAnswer:
        return None
    return values[0] if values else None


def _judge(answer: Answer, rules: AnswerRules, find: Find) -> Verdict:
    if not rules.accept_term and not rules.accept_path:
        return Verdict.ACCEPTED
    try:
        is_accepted = _is_accepted(answer, rules, find)
    except UnreadableAnswer:
        return Verdict.UNREADABLE
    if is_accepted:
        return Verdict.ACCEPTED
    # The rest of a cut answer may have said so, and an empty one says nothing.
    return Verdict.UNREADABLE if answer.is_cut or not answer.body.strip() else Verdict.REJECTED


def _is_accepted(answer: Answer, rules: AnswerRules, find: Find) -> bool:
    """Raises UnreadableAnswer."""
    term = rules.accept_term.strip().casefold()
    if rules.accept_path:
        values = [value.strip().casefold() for value in find(rules.accept_path)]
        return any(value == term if term else _is_positive(value) for value in values)
    if rules.answer_format in ("json", "xml"):
        DOCUMENTS[rules.answer_format](answer)
    word = (
        rf"(?<!\w){re.escape(term)}(?!\w)" if term[:1].isalnum() and term[-1:].isalnum() else re.escape(term)
    )
    return re.search(word, decode(answer).casefold()) is not None


def _is_positive(value: str) -> bool:
    return value not in NEGATIVE and not ZERO.fullmatch(value)


def _make_finder(answer: Answer, rules: AnswerRules) -> Find:
    """A function from a path to the texts there. It raises UnreadableAnswer."""
    answer_format = rules.answer_format or _recognize(answer.content_type)
    parsed: list[Any] = []

    def find(path: str) -> Sequence[str]:
        if answer_format == "" or not (rules.answer_format or answer_format in list_languages(path)):
            raise UnreadableAnswer
        try:
            finder = READERS[answer_format](path)
            if not parsed:
                parsed.append(DOCUMENTS[answer_format](answer))
            return list(finder(parsed[0]))
        except (PathError, RecursionError):
            raise UnreadableAnswer from None

    return find


def _recognize(content_type: str) -> AnswerFormat | Literal[""]:
    """application/json, application/hal+json, text/xml. A path cannot be applied to other types."""
    subtype = content_type.partition(";")[0].strip().lower().rpartition("/")[2]
    if subtype in ("json", "xml"):
        return "json" if subtype == "json" else "xml"
    suffix = subtype.rpartition("+")[2]
    if subtype == "xhtml+xml" or suffix == subtype:
        return ""
    return "json" if suffix == "json" else "xml" if suffix == "xml" else ""


def decode(answer: Answer) -> str:
    """In the charset of the content type, or UTF-8. Never raises."""
    found = CHARSET.search(answer.content_type)
    try:
        text = answer.body.decode(found[1] if found else "utf-8", errors="replace")
    except LookupError:
        text = answer.body.decode(errors="replace")
    return text.removeprefix("\ufeff")


def _parse_json(answer: Answer) -> Any:
    try:
        return json.loads(decode(answer), parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError, ArithmeticError):
        raise UnreadableAnswer from None


def _refuse_constant(name: str) -> None:
    """NaN and Infinity, which Python reads and JSON lacks."""
    raise ValueError(name)


def _parse_xml(answer: Answer) -> Any:
    try:
        return parse_xml(answer.body)
    except XmlError:
        raise UnreadableAnswer from None


def _read_json_finder(path: str) -> Callable[[Any], Iterator[str]]:
    steps = read_json_path(path)
    return lambda document: map(write_json_value, find_in_json(document, steps))


def _read_xml_finder(path: str) -> Callable[[Any], Iterator[str]]:
    steps = read_xml_path(path)
    return lambda document: find_in_xml(document, steps)


def _read_pattern(path: str) -> Callable[[Any], Iterator[str]]:
    """RE2 needs linear time for every pattern and every answer. The first group, or all of the match."""
    options = re2.Options()
    options.log_errors = False
    try:
        pattern = re2.compile(path, options)
    except re2.error:
        raise PathError(
            f"{path!r} is no regular expression of RE2: see github.com/google/re2/wiki/Syntax"
        ) from None
    return lambda text: (found[1 if pattern.groups else 0] or "" for found in pattern.finditer(text))


READERS: Final[Mapping[str, Callable[[str], Callable[[Any], Iterator[str]]]]] = {
    "json": _read_json_finder,
    "xml": _read_xml_finder,
    "text": _read_pattern,
}
DOCUMENTS: Final[Mapping[str, Callable[[Answer], Any]]] = {
    "json": _parse_json,
    "xml": _parse_xml,
    "text": decode,
}


def _read_price(rules: AnswerRules, find: Find) -> int | None:
    if not rules.price_path:
        return None
    try:
        values = find(rules.price_path)
    except UnreadableAnswer:
        return None
    return read_cents(values[0]) if values else None


def read_cents(text: str) -> int | None:
    """Dollars like 12.5, $1,234.50 or 45 USD. None for everything else, so also for a negative price."""
    found = PRICE.fullmatch(text.strip())
    if found is None:
        return None
    dollars = Decimal(found["number"].replace(",", ""))
    if dollars > LARGEST_PRICE:
        return None
    return int((dollars * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))

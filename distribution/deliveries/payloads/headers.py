"""The custom headers of an endpoint: {"X-Source": "LeadSwitch", "X-Partner": {"value": "...", "secret": true}}.

A value may name {message_id}, {id}, {assignment.id} and {is_test}: nothing personal belongs in a header.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from distribution.deliveries.payloads.expression_reading import ExpressionError, read_text
from distribution.deliveries.payloads.expressions import Constant, Placeholder, Text, write_text
from distribution.deliveries.payloads.fields import Facts
from distribution.deliveries.payloads.problems import Problem
from distribution.deliveries.payloads.secret_names import is_secret_name
from distribution.deliveries.payloads.signing import HEADER_NAMES

Header = tuple[str, str]
NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
VALUE: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?")
PLAIN_FIELDS: Final = frozenset({"message_id", "id", "assignment.id", "is_test"})
# The client sets them, or they change how the connection works.
OWN: Final = frozenset(
    {
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "keep-alive",
        "upgrade",
        "expect",
        "te",
        "trailer",
    }
    | {"accept-encoding", "content-encoding", "proxy-authorization", "proxy-connection", *HEADER_NAMES}
)
MAX_HEADERS: Final = 30
MAX_VALUE: Final = 4_000


class HeadersError(Exception):
    """`problems`: all that are wrong with them, for the form."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomHeader:
    """A secret value is shown nowhere."""

    name: str
    value: Placeholder | Text | Constant = field(repr=False)
    is_secret: bool = False

    def render(self, facts: Facts) -> Header:
        """A missing field is the text missing: an empty value would not be a header."""
        return self.name, write_text(self.value.read(facts)) or "missing"


def read_headers(document: object) -> tuple[CustomHeader, ...]:
    """Raises HeadersError."""
    if not isinstance(document, Mapping):
        raise HeadersError([Problem("headers", 'must be an object like {"X-Source": "LeadSwitch"}')])
    headers, problems = [], list(_find_problems(document))
    for name, each in document.items():
        try:
            headers.append(_read_header(name, each))
        except ExpressionError as error:
            problems.append(Problem("headers", f"{name}: {error}"))
    if problems:
        raise HeadersError(problems)
    return tuple(headers)


def _find_problems(document: Mapping[str, Any]) -> Iterator[Problem]:
    if len(document) > MAX_HEADERS:
        yield Problem("headers", f"has more than {MAX_HEADERS} headers: use fewer")
    names = [name.lower() for name in document]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Problem("headers", f"{name}: is there twice; letter case does not count: keep one")


def _read_header(name: str, document: object) -> CustomHeader:
    if not NAME.fullmatch(name):
        raise ExpressionError("is not a name of a header: use letters, digits and -")
    if name.lower() in OWN:
        raise ExpressionError("LeadSwitch sets this header itself: remove it")
    options = document if isinstance(document, Mapping) else {"value": document}
    if not set(options) <= {"value", "secret"} or "value" not in options:
        raise ExpressionError('must be text, or an object like {"value": "...", "secret": true}')
    is_secret = options.get("secret", is_secret_name(name))
    if not isinstance(is_secret, bool):
        raise ExpressionError("secret must be true or false")
    return CustomHeader(name=name, value=_read_value(options["value"]), is_secret=is_secret)


def _read_value(text: object) -> Placeholder | Text | Constant:
    """Never repeats the value in an error: it may be secret."""
    if not isinstance(text, str) or not VALUE.fullmatch(text) or len(text) > MAX_VALUE:
        raise ExpressionError(
            f"must be 1 to {MAX_VALUE} printable ASCII characters, with no space or line break at its ends"
        )
    value = read_text(text)
    parts = value.parts if isinstance(value, Text) else (value,)
    if personal := [
        part.field for part in parts if isinstance(part, Placeholder) and part.field not in PLAIN_FIELDS
    ]:
        allowed = ", ".join(f"{{{name}}}" for name in sorted(PLAIN_FIELDS))
        raise ExpressionError(f"{{{personal[0]}}} does not belong in a header: use {allowed}")
    return value

"""Query parameters. Unknown ones are refused by name, like unknown keys of a body."""

import re
from collections.abc import Sequence
from typing import Final

from rest_framework.request import Request

from routing.api.errors import FieldsInvalid
from tracing.parsing import parse_id

# The answer does not repeat any other name.
SAFE_NAME: Final = re.compile(r"[A-Za-z0-9_.\[\]-]{1,64}")
# How many attempts of a lead are shown.
LATEST: Final = 20
MAX_LATEST: Final = 100


def wrong_parameter(name: str, message: str) -> FieldsInvalid:
    return FieldsInvalid({name: [{"code": "invalid", "message": message}]})


def read_latest(request: Request) -> int:
    """The number of a lead's attempts that the caller requests."""
    return read_count(request, "latest", default=LATEST, most=MAX_LATEST)


def read_count(request: Request, name: str, *, default: int, most: int) -> int:
    """Return a number from 1 to `most`, or `default` without the parameter. Raises FieldsInvalid."""
    text = request.query_params.get(name)
    if text is None:
        return default
    count = parse_id(text)
    if count is None or not 1 <= count <= most:
        raise wrong_parameter(name, f"must be a whole number from 1 to {most}")
    return count


def refuse_unknown(request: Request, *, known: Sequence[str]) -> None:
    """Raises FieldsInvalid for unknown and for repeated parameters."""
    problems: dict[str, list[dict[str, str]]] = {}
    for name, values in request.query_params.lists():
        if name not in known:
            problems[_safe(name)] = [{"code": "unknown_parameter", "message": _describe(known)}]
        elif len(values) > 1:
            problems[name] = [{"code": "repeated", "message": "is repeated: send it once"}]
    if problems:
        raise FieldsInvalid(problems)


def _safe(name: str) -> str:
    return name if SAFE_NAME.fullmatch(name) else "non_field_errors"


def _describe(known: Sequence[str]) -> str:
    if not known:
        return "is not a known parameter: this route takes none"
    return f"is not a known parameter: this route takes {', '.join(known)}"

"""Reads the fields of JSON bodies. A wrong or unknown field is a 400 that names it, with what to send."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from rest_framework.request import Request

from routing.api.errors import FieldsInvalid
from routing.api.guard import require_body
from routing.values.normalize import FieldError, normalize_text
from tracing.audit import MAX_REASON

LARGEST_CENTS: Final = 2**63 - 1
Reader: TypeAlias = Callable[[object], Any]
Problems: TypeAlias = dict[str, list[dict[str, str]]]


def read_body(request: Request, readers: Mapping[str, Reader], *, is_required: bool = True) -> dict[str, Any]:
    """Return the value of each reader. A body that is not required may be missing. Raises FieldsInvalid, Malformed."""
    if is_required or _has_body(request):
        require_body(request)
        body = request.data
    else:
        body = {}
    if not isinstance(body, Mapping):
        raise invalid("non_field_errors", "invalid_type", f"must be an object with {', '.join(readers)}")
    problems = find_unknown(body, known=tuple(readers))
    values = {name: read_field(name, body, readers, problems) for name in readers}
    if problems:
        raise FieldsInvalid(problems)
    return values


def _has_body(request: Request) -> bool:
    is_chunked = bool(request.META.get("HTTP_TRANSFER_ENCODING"))
    return is_chunked or request.META.get("CONTENT_LENGTH") not in (None, "", "0")


def find_unknown(body: Mapping[str, Any], *, known: tuple[str, ...], also: tuple[str, ...] = ()) -> Problems:
    """`also`: fields that are accepted and not named, because they come in another way."""
    message = f"is not a known field: send {', '.join(known)}"
    unknown = [name for name in body if name not in (*known, *also)]
    return {str(name)[:64]: [problem("unknown_field", message)] for name in unknown}


def read_field(name: str, body: Mapping[str, Any], readers: Mapping[str, Reader], problems: Problems) -> Any:
    """Add to `problems` if the value is wrong."""
    try:
        return readers[name](body.get(name))
    except FieldError as error:
        problems[name] = [problem(error.code, error.message)]
        return None


def read_cents(value: object) -> int | None:
    """A form sends text."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 19:
        value = int(value)
    if value is None:
        return None
    if type(value) is not int or not 0 < value <= LARGEST_CENTS:
        raise FieldError("invalid", "must be a whole number of cents above 0, or left out")
    return value


def read_note(value: object) -> str:
    """A reason that may be left out."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise FieldError("invalid_type", "must be text")
    return normalize_text(value, max_length=MAX_REASON) or ""


def read_reason(value: object) -> str:
    text = read_note(value)
    if not text:
        raise FieldError("required", f"is required: say why, in at most {MAX_REASON} characters")
    return text


def problem(code: str, message: str) -> dict[str, str]:
    return {"code": code, "message": message}


def invalid(name: str, code: str, message: str) -> FieldsInvalid:
    return FieldsInvalid({name: [problem(code, message)]})

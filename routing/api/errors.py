"""The one error shape of the API, and the exceptions and the handler that produce it.

{"error": {"code": "validation_failed", "message": "...", "fields": {"email": [{"code": "", "message": ""}]}}}
Only validation_failed, contact_data and some codes of pings have `fields`. Codes are permanent.
"""

import logging
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from math import ceil
from typing import Any

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.db import OperationalError
from django.http import Http404, UnreadablePostError
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from routing.intake.parse import LeadInvalid
from routing.intake.reader import Errors
from routing.postgres_errors import is_outage, note_refusal, sqlstate_of
from tracing.wording import count

logger = logging.getLogger(__name__)

NON_FIELD_ERRORS = "non_field_errors"
MAX_NAMED = 10  # fields in the message; `fields` has all
DEFAULT_CHALLENGE = 'Api-Key realm="leadswitch"'

CODES_BY_STATUS = {
    400: "malformed",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    409: "conflict",
    411: "malformed",
    412: "stale",
    413: "too_large",
    415: "unsupported_media_type",
    422: "conflict",
    428: "version_required",
    429: "rate_limited",
    503: "unavailable",
}

NO_KEY = "No API key. Send the header `Authorization: Api-Key KEY`."
# Texts that must not come from the exception: that of 404 can name models, and the others repeat input.
FIXED_MESSAGES = {
    404: "Not found, or it belongs to another account.",
    415: "Send the body uncompressed, in UTF-8, as application/json. A single lead can also be sent as a form.",
    503: "The service is not available right now. Try again in a moment.",
}


class ApiError(exceptions.APIException):
    """An error with a message for the caller. The status determines the code unless `code` is given.

    `extra` adds keys to the error object; `wait_seconds` becomes Retry-After; `headers` are added to the answer.
    """

    def __init__(
        self,
        message: str,
        *,
        status_code: int,
        code: str | None = None,
        extra: Mapping[str, Any] | None = None,
        wait_seconds: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.wait = wait_seconds
        self.headers = dict(headers or {})
        self.status_code = status_code
        super().__init__(message, code or CODES_BY_STATUS[status_code])
        self.message = message
        self.error_code = code or CODES_BY_STATUS[status_code]
        self.extra = dict(extra or {})


class Malformed(ApiError):
    def __init__(self, message: str, *, status_code: int = 400) -> None:
        super().__init__(message, status_code=status_code)


class TooLarge(ApiError):
    def __init__(self, *, max_bytes: int) -> None:
        super().__init__(f"The body is larger than {max_bytes} bytes. Send less at a time.", status_code=413)


class FieldsInvalid(ApiError):
    """`fields` maps a field's path to [{"code", "message"}]."""

    def __init__(self, fields: Mapping[str, list[dict[str, str]]]) -> None:
        super().__init__(_summarize(fields), status_code=400, code="validation_failed")
        self.fields = dict(fields)


def build_error(
    code: str,
    message: str,
    *,
    fields: Mapping[str, Any] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    error: dict[str, Any] = {"code": code, "message": message, **(extra or {})}
    return {"error": error if fields is None else {**error, "fields": dict(fields)}}


def api_exception_handler(exc: Exception, context: Mapping[str, Any]) -> Response | None:  # noqa: ARG001 - DRF's
    """DRF's EXCEPTION_HANDLER. Unknown exceptions pass through to the 500 page and the log."""
    error = _translate(exc)
    if error is None:
        return None
    set_rollback()
    return Response(_describe(error), status=error.status_code, headers=_build_headers(error))


def _translate(exc: Exception) -> exceptions.APIException | None:
    if isinstance(exc, exceptions.APIException):
        return _adjust(exc)
    if isinstance(exc, LeadInvalid):
        return FieldsInvalid(describe_fields(exc.errors))
    if isinstance(exc, Http404):
        return exceptions.NotFound()
    if isinstance(exc, DjangoPermissionDenied):
        return exceptions.PermissionDenied()
    if isinstance(exc, RequestDataTooBig):
        return ApiError("The body is too large. Send less at a time.", status_code=413)
    if isinstance(exc, UnreadablePostError | TooManyFieldsSent):
        return Malformed("The body could not be read.")
    if isinstance(exc, OperationalError) or is_outage(exc):
        # The class and SQLSTATE only: the text of a database error can contain a value.
        logger.error("database unavailable to the API: %s %s", type(exc).__name__, sqlstate_of(exc))
        note_refusal(exc)
        return ApiError(FIXED_MESSAGES[503], status_code=503)
    return None


def _adjust(exc: exceptions.APIException) -> exceptions.APIException:
    """Replace DRF's messages for a missing key and for too many requests."""
    if isinstance(exc, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        exc.status_code = 401  # DRF makes it 403 when the first authenticator names no challenge
    if isinstance(exc, exceptions.NotAuthenticated):
        exc.detail = exceptions.ErrorDetail(NO_KEY, exc.default_code)
    if isinstance(exc, exceptions.Throttled):
        exc.detail = exceptions.ErrorDetail(
            _describe_throttling(getattr(exc, "wait", None)), exc.default_code
        )
    return exc


def _describe_throttling(wait_seconds: float | None) -> str:
    again = "later" if wait_seconds is None else f"in {count(ceil(wait_seconds), 'second')}"
    return f"Too many requests. Try again {again}."


def _describe(error: exceptions.APIException) -> dict[str, Any]:
    if isinstance(error, FieldsInvalid):
        return build_error(error.error_code, error.message, fields=error.fields)
    if isinstance(error, ApiError):
        return build_error(error.error_code, error.message, extra=error.extra)
    if isinstance(error, exceptions.ValidationError):
        fields = flatten_details(error.detail)
        return build_error("validation_failed", _summarize(fields), fields=fields)
    status = error.status_code
    fallback = "malformed" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "unavailable"
    code = CODES_BY_STATUS.get(status, fallback)
    return build_error(code, FIXED_MESSAGES.get(status) or str(error.detail))


def _build_headers(error: exceptions.APIException) -> dict[str, str]:
    if error.status_code == HTTPStatus.UNAUTHORIZED:
        return {"WWW-Authenticate": getattr(error, "auth_header", None) or DEFAULT_CHALLENGE}
    wait_seconds = getattr(error, "wait", None)
    if error.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
        return {"Retry-After": str(int(wait_seconds or 1))}
    own = {"Retry-After": str(int(wait_seconds))} if wait_seconds else {}
    return {**own, **getattr(error, "headers", {})}


def describe_fields(errors: Errors) -> dict[str, list[dict[str, str]]]:
    """The errors of parse_lead in the shape of the API, also for the rows of a batch."""
    return {
        path or NON_FIELD_ERRORS: [{"code": error.code, "message": error.message} for error in found]
        for path, found in errors.items()
    }


def flatten_details(detail: Any) -> dict[str, list[dict[str, str]]]:
    """DRF's nested error details as {"consent.given_at": [{"code", "message"}]}."""
    fields: dict[str, list[dict[str, str]]] = {}
    for path, leaf in _walk(detail, path=""):
        code = getattr(leaf, "code", "invalid")
        fields.setdefault(path or NON_FIELD_ERRORS, []).append({"code": code, "message": str(leaf)})
    return fields


def _walk(detail: Any, *, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(detail, dict):
        for key, inner in detail.items():
            yield from _walk(inner, path=path if key == NON_FIELD_ERRORS else f"{path}.{key}".lstrip("."))
    elif isinstance(detail, list | tuple):
        for index, inner in enumerate(detail):
            nests = isinstance(inner, dict | list | tuple)
            yield from _walk(inner, path=f"{path}[{index}]" if nests else path)
    else:
        yield path, detail


def _summarize(fields: Mapping[str, list[dict[str, str]]]) -> str:
    named = [name for name in fields if name != NON_FIELD_ERRORS]
    if not named:
        return " ".join(problem["message"] for problems in fields.values() for problem in problems)
    more = f" and {len(named) - MAX_NAMED} more" if len(named) > MAX_NAMED else ""
    return f"Validation failed: {', '.join(sorted(named)[:MAX_NAMED])}{more}. Details are in `fields`."

"""Responses when no view responds: JSON under /api/, Django's own pages elsewhere. No response reveals the failure."""

import re
import sys
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt

from leadswitch.web.input import UnstorableInput
from routing.api.errors import CODES_BY_STATUS, FIXED_MESSAGES, build_error
from routing.postgres_errors import is_outage, is_statement_timeout, note_refusal

API: str = "/api/"
NOT_FOUND = "This path does not exist. Paths begin with /api/v1/ and end with a slash."
NO_SUCH_ID = (
    "No {what} has this id. Ids are UUIDs in lower case, such as 019c1f0e-7c1a-7b7e-9d0a-3f1c2b4a5d6e."
)
# Paths that continue with an id. Their views match UUIDs only.
WITH_ID = {"leads": "lead", "buyer/assignments": "assignment", "buyer/missed": "missed lead"}
PATHS_WITH_ID = re.compile(
    r"/api/v1/(?P<kind>leads|buyer/assignments|buyer/missed)/[^/]+/(?:(?:trace|explanation|dispatch-now)/)?$"
)
BAD_REQUEST = "The request could not be understood."
FAILED = (
    "An internal error occurred, and the request may or may not be stored. Send it again with the same Idempotency-Key"
    " or external_id: it is stored only once."
)
RETRY_AFTER_SECONDS = "1"
UNAVAILABLE = (
    "<!doctype html><title>Temporarily unavailable</title><h1>The database is temporarily unavailable</h1>"
    "<p>Your request was fine. Reload this page in a moment to see what was saved.</p>"
)


@csrf_exempt  # there is nothing to forge, and the CSRF page is not JSON
def api_not_found(request: HttpRequest) -> JsonResponse:
    """The view of every path under /api/ without another view."""
    found = PATHS_WITH_ID.match(request.path)
    message = NOT_FOUND if found is None else NO_SUCH_ID.format(what=WITH_ID[found["kind"]])
    return _answer(HTTPStatus.NOT_FOUND, "not_found", message)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith(API):
        return api_not_found(request)
    return defaults.page_not_found(request, exception)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    reason = str(exception) if isinstance(exception, UnstorableInput) else ""
    if request.path.startswith(API):
        return _answer(HTTPStatus.BAD_REQUEST, "malformed", reason or BAD_REQUEST)
    return render(request, "400.html", {"reason": reason}, status=HTTPStatus.BAD_REQUEST)


def server_error(request: HttpRequest) -> HttpResponse:
    error = sys.exc_info()[1]
    if error is not None and is_outage(error):
        note_refusal(error)
        return unavailable(request)
    if request.path.startswith(API):
        return _answer(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", FAILED)
    if request.method == "GET" and error is not None and is_statement_timeout(error):
        context = {"newest": request.path if request.GET else ""}
        return render(request, "too_long.html", context, status=HTTPStatus.SERVICE_UNAVAILABLE)
    return defaults.server_error(request)


def unavailable(request: HttpRequest) -> HttpResponse:
    """Answer 503: PostgreSQL is unavailable."""
    status = HTTPStatus.SERVICE_UNAVAILABLE
    if request.path.startswith(API):
        answer: HttpResponse = _answer(status, CODES_BY_STATUS[status], FIXED_MESSAGES[status])
    else:
        answer = HttpResponse(UNAVAILABLE, status=status, content_type="text/html")
    answer["Retry-After"] = RETRY_AFTER_SECONDS
    return answer


def _answer(status: HTTPStatus, code: str, message: str) -> JsonResponse:
    return JsonResponse(build_error(code, message), status=status)

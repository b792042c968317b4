"""What is answered when no view does: JSON under /api/, Django's own pages elsewhere. Nothing of the failure leaks."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt

from leadswitch.web.input import UnstorableInput
from routing.api.errors import build_error

API: str = "/api/"
NOT_FOUND = "There is nothing here. Paths begin with /api/v1/ and end with a slash."
BAD_REQUEST = "The request could not be understood."
FAILED = "The product failed; nothing was stored by this request. Try again in a moment."


@csrf_exempt  # there is nothing to forge, and the CSRF page is no JSON
def api_not_found(_request: HttpRequest) -> JsonResponse:
    """The view of every path under /api/ that no other view has."""
    return _answer(HTTPStatus.NOT_FOUND, "not_found", NOT_FOUND)


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
    if request.path.startswith(API):
        return _answer(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", FAILED)
    return defaults.server_error(request)


def _answer(status: HTTPStatus, code: str, message: str) -> JsonResponse:
    return JsonResponse(build_error(code, message), status=status)

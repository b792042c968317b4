"""The span of a web request.

Its name has the route and never the path, which may contain ids or text that a person typed. It begins a distributed
trace of its own: what senders and browsers send as `traceparent` is ignored.
"""

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

TRACER: Final = trace.get_tracer("leadswitch")
PROBES: Final = ("/healthz", "/readyz", "/metrics")
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
# As the conventions for HTTP say: a sender may send any word as its method.
OTHER: Final = "_OTHER"
FIRST_SERVER_ERROR: Final = 500


class RequestSpanMiddleware:
    """Put it before all other middleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info in PROBES:
            return self.get_response(request)
        method = request.method if request.method in METHODS else OTHER
        with TRACER.start_as_current_span(
            "HTTP" if method == OTHER else str(method),
            Context(),
            SpanKind.SERVER,
            {"http.request.method": str(method)},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            response = self.get_response(request)
            describe_response(span, request, response)
            return response

    def process_exception(self, _request: HttpRequest, exception: Exception) -> None:
        """Django returns 500 afterwards. The text of an exception may contain personal data."""
        trace.get_current_span().set_attribute("error.type", type(exception).__name__)


def describe_response(span: Span, request: HttpRequest, response: HttpResponse) -> None:
    span.set_attribute("http.response.status_code", response.status_code)
    if request.resolver_match is not None:
        route = f"/{request.resolver_match.route}"
        span.set_attribute("http.route", route)
        span.update_name(f"{request.method if request.method in METHODS else 'HTTP'} {route}")
    if response.status_code >= FIRST_SERVER_ERROR:
        span.set_status(Status(StatusCode.ERROR))

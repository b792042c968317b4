"""`/metrics` for Prometheus, which sends LEADSWITCH_METRICS_TOKEN: `authorization: {credentials: ...}`."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from leadswitch.levels.serving.registry import make_registry

PATH: Final = "/metrics"


class MetricsMiddleware:
    """Answers /metrics for any host name: put it before the middleware that checks the host.

    Prometheus and the Datadog Agent send their requests to the address of each container, which ALLOWED_HOSTS does not
    list. Without LEADSWITCH_METRICS_TOKEN the path does not exist.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info == PATH and settings.LEADSWITCH_METRICS_TOKEN:
            return answer_scrape(request)
        return self.get_response(request)


def answer_scrape(request: HttpRequest) -> HttpResponse:
    """Prometheus text format, for all web processes if they share PROMETHEUS_MULTIPROC_DIR."""
    if not is_authorized(request, settings.LEADSWITCH_METRICS_TOKEN):
        headers = {"WWW-Authenticate": 'Bearer realm="metrics"'}
        return HttpResponse(
            "Send the metrics token: Authorization: Bearer TOKEN\n",
            status=HTTPStatus.UNAUTHORIZED,
            headers=headers,
            content_type="text/plain",
        )
    return HttpResponse(generate_latest(make_registry()), content_type=CONTENT_TYPE_LATEST)


def is_authorized(request: HttpRequest, token: str) -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower() == "bearer" and constant_time_compare(given.strip(), token)

"""`/metrics` for Prometheus, which sends LEADSWITCH_METRICS_TOKEN: `authorization: {credentials: ...}`."""

from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from leadswitch.failures import not_found
from leadswitch.levels.serving.registry import make_registry


def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text format, for all web processes if they share PROMETHEUS_MULTIPROC_DIR."""
    if not settings.LEADSWITCH_METRICS_TOKEN:
        return not_found(request, FileNotFoundError("LEADSWITCH_METRICS_TOKEN is not set"))
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

"""`/healthz` and `/readyz` for load balancers and orchestrators, which ask by IP address."""

from collections.abc import Callable, Mapping
from typing import Final

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed

from leadswitch.health import healthz, readyz

METHODS: Final = ("GET", "HEAD")
PROBES: Final[Mapping[str, Callable[[HttpRequest], HttpResponse]]] = {"/healthz": healthz, "/readyz": readyz}


class ProbesMiddleware:
    """Answers the probes for any host name: put it before the middleware that checks the host.

    A probe goes to the address of one container, which ALLOWED_HOSTS does not list. The answers neither use nor repeat
    the host or anything else of the request.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = PROBES.get(request.path_info)
        if answer is None:
            return self.get_response(request)
        if request.method not in METHODS:
            return HttpResponseNotAllowed(METHODS)
        return answer(request)

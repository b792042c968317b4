"""The Content-Security-Policy of every response: scripts, styles and images from this server only, none inline.

Pages of offers may also listen to the process that serves streams, if it has an address of its own.
"""

from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse

LISTENING: Final = "/portal/offers/"
CONNECT: Final = "connect-src 'self'"
POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        # Style sheets and pages of Django and Swagger contain small images as data URLs.
        "img-src 'self' data:",
        # Recordings of calls.
        "media-src 'self'",
        "font-src 'self'",
        CONNECT,
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADER: Final = "Content-Security-Policy"


class ContentSecurityPolicyMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault(HEADER, find_policy(request.path))
        return response


def find_policy(path: str) -> str:
    streams = settings.LEADSWITCH_STREAMS_URL
    return (
        POLICY.replace(CONNECT, f"{CONNECT} {streams}") if streams and path.startswith(LISTENING) else POLICY
    )

"""Limits the request rate of each API key, and reports what is left in headers."""

from collections.abc import Mapping

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from routing.redis.rate_limit import Allowance, take


class KeyThrottle(BaseThrottle):
    """Counts the request for the key in `request.auth`. The view's `rate_kind` names the limit."""

    def __init__(self) -> None:
        self._wait_seconds = 0

    def allow_request(self, request: Request, view: APIView) -> bool:
        kind: str = view.rate_kind  # type: ignore[attr-defined]
        allowance = take(kind, request.auth.prefix)  # type: ignore[union-attr]
        if allowance is None:
            return True
        request.rate_allowance = allowance  # type: ignore[attr-defined]
        self._wait_seconds = allowance.wait_seconds
        return allowance.is_allowed

    def wait(self) -> float:
        return self._wait_seconds


def rate_headers(request: Request) -> Mapping[str, str]:
    """Return the `RateLimit-…` headers; none if the request was not counted."""
    allowance: Allowance | None = getattr(request, "rate_allowance", None)
    if allowance is None:
        return {}
    return {
        "RateLimit-Limit": str(allowance.limit),
        "RateLimit-Remaining": str(allowance.remaining),
        "RateLimit-Reset": str(allowance.reset_seconds),
    }

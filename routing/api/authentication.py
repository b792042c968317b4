"""Finds the source that sends a request: the owner of its API key. A request has no user; views read `request.auth`."""

from datetime import UTC, datetime
from typing import Final

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated
from rest_framework.request import Request

from routing.api.errors import DEFAULT_CHALLENGE
from routing.api.keyfinder import KeyFinder, read_key
from routing.models import Source, SourceKey

SOURCE_KEYS: Final = KeyFinder(SourceKey, path=("source", "workspace"))


class SourceKeyAuthentication(BaseAuthentication):
    """Sets `request.auth` to the SourceKey, with source and workspace loaded. Returns None without a key header."""

    def authenticate(self, request: Request) -> tuple[None, SourceKey] | None:
        text = read_key(request)
        return None if text is None else (None, find_key(text, at=datetime.now(UTC)))

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - the signature is DRF's
        return DEFAULT_CHALLENGE


def get_source(request: Request) -> Source:
    """Return the source that sent the request. For views behind HasScope."""
    return get_source_key(request).source


def get_source_key(request: Request) -> SourceKey:
    """Return the key of the request. For views behind HasScope."""
    key: object = request.auth
    if not isinstance(key, SourceKey):
        raise NotAuthenticated
    return key


def find_key(text: str, *, at: datetime) -> SourceKey:
    """Return the usable key `text` of an active source. Raises AuthenticationFailed."""
    key = SOURCE_KEYS.find(text, at=at)
    if not key.source.active:
        raise AuthenticationFailed("The source of this key is not active.")
    return key

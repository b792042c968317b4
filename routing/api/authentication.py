"""Who sends leads: the source whose key the request carries, `Authorization: Api-Key <prefix.secret>`.

The key's row, its source and its workspace come in one statement. A request has no user: views read `request.auth`.
"""

import re
from datetime import UTC, datetime
from typing import Final

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from routing.keyrows import find_source_key
from routing.models import Source, SourceKey

KEYWORD: Final = "Api-Key"
# What KeyGenerator makes. Anything else never reaches the database.
KEY_SHAPE: Final = re.compile(r"([A-Za-z0-9]{8})\.[A-Za-z0-9]{32}")
GENERATOR: Final = SourceKey.objects.key_generator
# Compared with when no key has the prefix, so that an unknown prefix takes as long as a wrong secret.
NO_KEY_HASH: Final = GENERATOR.hash("no key has this hash")


class SourceKeyAuthentication(BaseAuthentication):
    """Sets `request.auth` to the SourceKey, with source and workspace loaded. Without a key header it passes."""

    def authenticate(self, request: Request) -> tuple[None, SourceKey] | None:
        text = _read_header(request)
        if text is None:
            return None
        return None, find_key(text, at=datetime.now(UTC))

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - the signature is DRF's
        return f'{KEYWORD} realm="leadswitch"'


class HasSource(BasePermission):
    """The request carries the key of an active source."""

    def has_permission(self, request: Request, view: APIView) -> bool:  # noqa: ARG002 - the signature is DRF's
        return isinstance(request.auth, SourceKey)


def get_source(request: Request) -> Source:
    """Return the source that sent the request. For views behind HasSource."""
    key: object = request.auth
    if not isinstance(key, SourceKey):
        raise NotAuthenticated
    return key.source


def find_key(text: str, *, at: datetime) -> SourceKey:
    """Return the usable key `text`. Raises AuthenticationFailed.

    Only whoever holds the secret learns that a key has ended, and why.
    """
    shape = KEY_SHAPE.fullmatch(text)
    if shape is None:
        raise AuthenticationFailed("This is no source key: send the header `Api-Key <prefix>.<secret>`.")
    key = find_source_key(shape[1])
    if not GENERATOR.verify(text, key.hashed_key if key else NO_KEY_HASH) or key is None:
        raise AuthenticationFailed("No such source key.")
    if key.revoked:
        raise AuthenticationFailed("This source key was revoked.")
    if key.expiry_date is not None and key.expiry_date <= at:
        raise AuthenticationFailed("This source key has expired.")
    if not key.source.active:
        raise AuthenticationFailed("The source of this key is not active.")
    return key


def _read_header(request: HttpRequest | Request) -> str | None:
    keyword, _, text = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return text.strip() if keyword.lower() == KEYWORD.lower() else None

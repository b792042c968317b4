"""Who sends leads: the source whose key the request carries, `Authorization: Api-Key <prefix.secret>`.

The key's row, its source and its workspace come in one statement. A request has no user: views read `request.auth`.
"""

import re
from datetime import UTC, datetime
from typing import Final

from django.db import connection
from django.db.models import Model
from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from routing.models import Source, SourceKey, Workspace

KEYWORD: Final = "Api-Key"
# What KeyGenerator makes. Anything else never reaches the database.
KEY_SHAPE: Final = re.compile(r"([A-Za-z0-9]{8})\.[A-Za-z0-9]{32}")
GENERATOR: Final = SourceKey.objects.key_generator
# Compared with when no key has the prefix, so that an unknown prefix takes as long as a wrong secret.
NO_KEY_HASH: Final = GENERATOR.hash("no key has this hash")


def _columns(model: type[Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]


KEY_COLUMNS: Final = _columns(SourceKey)
SOURCE_COLUMNS: Final = _columns(Source)
WORKSPACE_COLUMNS: Final = _columns(Workspace)
FIND_KEY: Final = f"""
SELECT {", ".join(f"k.{name}" for name in KEY_COLUMNS)},
    {", ".join(f"s.{name}" for name in SOURCE_COLUMNS)},
    {", ".join(f"w.{name}" for name in WORKSPACE_COLUMNS)}
FROM routing_sourcekey k
JOIN routing_source s ON s.id = k.source_id
JOIN routing_workspace w ON w.id = s.workspace_id
WHERE k.prefix = %s
"""  # noqa: S608 - only column names are put in


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
    key = _read_key(shape[1])
    if not GENERATOR.verify(text, key.hashed_key if key else NO_KEY_HASH) or key is None:
        raise AuthenticationFailed("No such source key.")
    if key.revoked:
        raise AuthenticationFailed("This source key was revoked.")
    if key.expiry_date is not None and key.expiry_date <= at:
        raise AuthenticationFailed("This source key has expired.")
    if not key.source.active:
        raise AuthenticationFailed("The source of this key is not active.")
    return key


def _read_key(prefix: str) -> SourceKey | None:
    """The ORM took 1 ms of every request to build this statement and its rows' objects; so it is written out."""
    with connection.cursor() as cursor:
        cursor.execute(FIND_KEY, [prefix])
        row = cursor.fetchone()
    if row is None:
        return None
    first, second = len(KEY_COLUMNS), len(KEY_COLUMNS) + len(SOURCE_COLUMNS)
    key = SourceKey.from_db(connection.alias, KEY_COLUMNS, row[:first])
    key.source = Source.from_db(connection.alias, SOURCE_COLUMNS, row[first:second])
    key.source.workspace = Workspace.from_db(connection.alias, WORKSPACE_COLUMNS, row[second:])
    return key


def _read_header(request: HttpRequest | Request) -> str | None:
    keyword, _, text = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return text.strip() if keyword.lower() == KEYWORD.lower() else None

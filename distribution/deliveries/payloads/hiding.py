"""Removes secrets from a request and its answer before they are stored. Pure, and never raises for a value."""

import base64
import binascii
import html
import json
import re
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, quote_plus

from distribution.deliveries.payloads.headers import Header
from distribution.deliveries.payloads.requests import OutgoingRequest
from distribution.deliveries.payloads.secret_names import HIDDEN, is_secret_name
from distribution.deliveries.payloads.urls import hide_url

# Shorter secrets are hidden only in their own place: a search for "33" would hide half of the answer.
SHORTEST_SEARCHED: Final = 6
SCHEMES: Final = ("basic", "bearer", "token", "apikey", "api-key", "digest")


@dataclass(frozen=True, slots=True)
class StoredRequest:
    """Texts for `request_head` and `request_body`."""

    head: str
    body: str = field(repr=False)


def hide_request(request: OutgoingRequest) -> StoredRequest:
    head = "\n".join(
        (
            f"{request.method} {hide_url(request.shown_url)}",
            *write_headers(request.headers, secret=request.secret_headers),
        )
    )
    return StoredRequest(
        head=hide_text(head, secrets=request.secrets),
        body=hide_text(request.shown_body.decode(errors="replace"), secrets=request.secrets),
    )


def hide_answer_head(status_code: int, headers: Sequence[Header], *, secrets: Iterable[str]) -> str:
    """For `answer_head`. An answer may repeat a secret of the request or set a cookie."""
    return hide_text("\n".join((str(status_code), *write_headers(headers))), secrets=secrets)


def write_headers(headers: Sequence[Header], *, secret: Container[str] = ()) -> Iterator[str]:
    for name, value in headers:
        is_secret = name.lower() in secret or is_secret_name(name)
        yield f"{name}: {_hide_value(value) if is_secret else value}"


def _hide_value(value: str) -> str:
    """The scheme of an authorization stays."""
    scheme, space, _ = value.partition(" ")
    return f"{scheme} {HIDDEN}" if space and scheme.lower() in SCHEMES else HIDDEN


def hide_text(text: str, *, secrets: Iterable[str]) -> str:
    """Also where a secret is encoded as in URLs, JSON, XML or base64."""
    spellings = {spelling for secret in secrets for spelling in _spell(secret)}
    searched = sorted((each for each in spellings if len(each) >= SHORTEST_SEARCHED), key=len, reverse=True)
    if not searched:
        return text
    return re.sub("|".join(map(re.escape, searched)), HIDDEN, text)


def _spell(secret: str) -> Iterator[str]:
    for part in _list_parts(secret):
        yield part
        yield from (quote(part, safe=""), quote(part), quote_plus(part))
        yield from (json.dumps(part)[1:-1], json.dumps(part, ensure_ascii=False)[1:-1])
        yield from (html.escape(part), html.escape(part, quote=False))
        yield base64.b64encode(part.encode(errors="replace")).decode()


def _list_parts(secret: str) -> Iterator[str]:
    """A value of an authorization, its credentials, and the user's password in them."""
    yield secret
    scheme, space, credentials = secret.partition(" ")
    if not space or scheme.lower() not in SCHEMES:
        return
    yield credentials
    if scheme.lower() == "basic":
        yield from _list_passwords(credentials)


def _list_passwords(credentials: str) -> Iterator[str]:
    try:
        plain = base64.b64decode(credentials, validate=True).decode()
    except (binascii.Error, ValueError):
        return
    yield plain
    yield plain.partition(":")[2]

"""Who may listen. A setting names the function that finds the reader, for each address (LEADSWITCH_STREAM_READERS)."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string
from rest_framework.exceptions import APIException, AuthenticationFailed, NotAuthenticated, Throttled

from distribution.api.authentication import BUYER_KEYS
from distribution.models import BuyerScope
from distribution.offers.reader import Reader
from routing.access.key_use import note_use
from routing.api.errors import ApiError, api_exception_handler
from routing.api.keyfinder import read_key
from routing.redis.rate_limit import take

FindReader = Callable[[Mapping[str, str]], Reader | None]


def find_reader(path: str, headers: Mapping[str, str]) -> Reader:
    """`headers`: names in lower case. Raises an APIException."""
    name = settings.LEADSWITCH_STREAM_READERS.get(path)
    if name is None:
        raise ApiError("Not found. This process serves the stream of offers only.", status_code=404)
    find: FindReader = import_string(name)
    reader = find(headers)
    if reader is None:
        raise NotAuthenticated
    return reader


def find_key_reader(headers: Mapping[str, str]) -> Reader | None:
    """A buyer key with the scope offers:read. Raises AuthenticationFailed, Throttled, ApiError."""
    text = _read_key(headers)
    if text is None:
        return None
    key = BUYER_KEYS.find(text, at=datetime.now(UTC))
    if not key.has_scope(BuyerScope.OFFERS_READ):
        message = f"This key does not have the scope `{BuyerScope.OFFERS_READ}`. An operator can grant it."
        raise ApiError(message, status_code=403)
    allowance = take("buyer", key.prefix)
    if allowance is not None and not allowance.is_allowed:
        raise Throttled(allowance.wait_seconds)
    note_use(key, at=datetime.now(UTC))
    return Reader(key.buyer_id, f"key:{key.prefix}", lambda: _still_may(text))


def _still_may(text: str) -> bool:
    try:
        return bool(BUYER_KEYS.find(text, at=datetime.now(UTC)).has_scope(BuyerScope.OFFERS_READ))
    except AuthenticationFailed:
        return False


def _read_key(headers: Mapping[str, str]) -> str | None:
    request = HttpRequest()
    request.META["HTTP_AUTHORIZATION"] = headers.get("authorization", "")
    return read_key(request)


def describe_refusal(error: APIException) -> tuple[int, dict[str, str], dict[str, Any]]:
    """Status, headers and body as the API answers."""
    response = api_exception_handler(error, {})
    assert response is not None  # noqa: S101 - an APIException has an answer
    return response.status_code, dict(response.items()), response.data

"""Authenticates buyers by API key. A request has no user: views read `request.auth`."""

from datetime import UTC, datetime
from typing import Final

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request

from distribution.models import BuyerKey
from routing.api.errors import DEFAULT_CHALLENGE
from routing.api.keyfinder import KeyFinder, read_key

BUYER_KEYS: Final = KeyFinder(BuyerKey, path=("buyer", "workspace"))


class BuyerKeyAuthentication(BaseAuthentication):
    """Sets `request.auth` to the BuyerKey, with buyer and workspace loaded. Returns None without a key header.

    Accepts a paused buyer, which still has a wallet and can read why it gets no leads.
    """

    def authenticate(self, request: Request) -> tuple[None, BuyerKey] | None:
        text = read_key(request)
        return None if text is None else (None, BUYER_KEYS.find(text, at=datetime.now(UTC)))

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - the signature is DRF's
        return DEFAULT_CHALLENGE


def get_buyer_key(request: Request) -> BuyerKey:
    """Return the key of the request, with its buyer. For views behind HasScope."""
    key: object = request.auth
    if not isinstance(key, BuyerKey):
        raise NotAuthenticated
    return key

"""Which buyer asks: the one whose key the request carries. A request has no user: views read `request.auth`."""

from datetime import UTC, datetime
from typing import Final

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from distribution.models import BuyerKey, BuyerScope
from routing.api.errors import DEFAULT_CHALLENGE
from routing.api.keyfinder import KeyFinder, read_key

BUYER_KEYS: Final = KeyFinder(BuyerKey, path=("buyer", "workspace"))


class BuyerKeyAuthentication(BaseAuthentication):
    """Sets `request.auth` to the BuyerKey, with buyer and workspace loaded. Without a key header it passes.

    A paused buyer is let in: it still has a wallet to look at, and reads here why it gets no leads.
    """

    def authenticate(self, request: Request) -> tuple[None, BuyerKey] | None:
        text = read_key(request)
        return None if text is None else (None, BUYER_KEYS.find(text, at=datetime.now(UTC)))

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - the signature is DRF's
        return DEFAULT_CHALLENGE


class HasBuyer(BasePermission):
    """The request carries a buyer's key that has this scope: `permission_classes = [HasBuyer(BuyerScope.READ)]`."""

    def __init__(self, scope: BuyerScope) -> None:
        self._scope = scope
        self.message = f"This key lacks the scope `{scope.value}`."

    def __call__(self) -> "HasBuyer":
        """DRF makes a permission from each entry of permission_classes; this one is made already."""
        return self

    def has_permission(self, request: Request, view: APIView) -> bool:  # noqa: ARG002 - the signature is DRF's
        key: object = request.auth
        return isinstance(key, BuyerKey) and self._scope in key.scopes


def get_buyer_key(request: Request) -> BuyerKey:
    """Return the key of the request, with its buyer. For views behind HasBuyer."""
    key: object = request.auth
    if not isinstance(key, BuyerKey):
        raise NotAuthenticated
    return key

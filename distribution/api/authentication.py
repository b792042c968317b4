"""Authenticates buyers and workspaces by API key. A request has no user: views read `request.auth`."""

from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request

from distribution.models import BuyerKey, WorkspaceKey
from routing.api.errors import DEFAULT_CHALLENGE
from routing.api.keyfinder import KeyFinder, read_key

BUYER_KEYS: Final = KeyFinder(BuyerKey, path=("buyer", "workspace"))
WORKSPACE_KEYS: Final = KeyFinder(WorkspaceKey, path=("workspace",))


class _KeyAuthentication(BaseAuthentication):
    """Sets `request.auth` to the key, with its owner loaded. Returns None without a key header."""

    keys: ClassVar[KeyFinder[Any]]

    def authenticate(self, request: Request) -> tuple[None, Any] | None:
        text = read_key(request)
        return None if text is None else (None, self.keys.find(text, at=datetime.now(UTC)))

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - the signature is DRF's
        return DEFAULT_CHALLENGE


class BuyerKeyAuthentication(_KeyAuthentication):
    """Accepts a paused buyer, which still has a wallet and can read why it gets no leads."""

    keys = BUYER_KEYS


class WorkspaceKeyAuthentication(_KeyAuthentication):
    """Accepts a paused workspace: its returns and deliveries still wait for a decision."""

    keys = WORKSPACE_KEYS


def get_buyer_key(request: Request) -> BuyerKey:
    """Return the key of the request, with its buyer. For views behind HasScope."""
    key: object = request.auth
    if not isinstance(key, BuyerKey):
        raise NotAuthenticated
    return key


def get_workspace_key(request: Request) -> WorkspaceKey:
    """Return the key of the request, with its workspace. For views behind HasScope."""
    key: object = request.auth
    if not isinstance(key, WorkspaceKey):
        raise NotAuthenticated
    return key

"""Reads API keys of sources, buyers and workspaces, without their hashes."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from distribution.buyers.keys import choose_buyer
from distribution.models import BuyerKey, WorkspaceKey
from routing.intake.sources import find_source
from routing.models import ScopedKey, SourceKey
from tracing.wording import utc


class KeyNotFound(ValueError):
    """No key has this prefix."""


def list_keys(
    *, source: str = "", buyer: str = "", for_workspace: str = "", workspace_slug: str = ""
) -> Iterator[ScopedKey]:
    """Yield the keys of one source, buyer or workspace, or all keys, oldest first. Raises NameNotFound."""
    sources, buyers, workspaces = _all_keys()
    if workspace_slug:
        sources = sources.filter(source__workspace__slug=workspace_slug)
        buyers = buyers.filter(buyer__workspace__slug=workspace_slug)
        workspaces = workspaces.filter(workspace__slug=workspace_slug)
    if source:
        yield from sources.filter(source=find_source(source, workspace_slug=workspace_slug))
    elif buyer:
        yield from buyers.filter(buyer=choose_buyer(buyer, workspace_slug=workspace_slug))
    elif for_workspace:
        yield from workspaces.filter(workspace__slug=for_workspace)
    else:
        yield from sources
        yield from buyers
        yield from workspaces


def find_key(prefix: str) -> ScopedKey:
    """Return the key with this prefix. Also accepts a full key. Raises KeyNotFound."""
    wanted = prefix.partition(".")[0]
    for keys in _all_keys():
        key: ScopedKey | None = keys.filter(prefix=wanted).first()
        if key is not None:
            return key
    message = f"no key begins with {wanted[:8]!r}; `manage.py keys list` shows the prefixes"
    raise KeyNotFound(message)


def _all_keys() -> tuple[QuerySet[SourceKey], QuerySet[BuyerKey], QuerySet[WorkspaceKey]]:
    """Each with its owner and workspace, oldest first."""
    return (
        SourceKey.objects.select_related("source__workspace").order_by("created"),
        BuyerKey.objects.select_related("buyer__workspace").order_by("created"),
        WorkspaceKey.objects.select_related("workspace").order_by("created"),
    )


def get_key_state(key: ScopedKey, *, at: datetime) -> str:
    if key.revoked:
        return "revoked"
    return "expired" if key.expiry_date is not None and key.expiry_date <= at else "active"


def describe_key(key: ScopedKey, *, at: datetime) -> dict[str, Any]:
    return {
        "prefix": key.prefix,
        "kind": key.owner_field,
        "owner": key.owner.name,
        "workspace": key.owner_workspace.slug,
        "name": key.name,
        "scopes": key.granted_scopes,
        "state": get_key_state(key, at=at),
        "created_at": utc(key.created),
        "expires_at": None if key.expiry_date is None else utc(key.expiry_date),
        "last_used_at": None if key.last_used_at is None else utc(key.last_used_at),
    }

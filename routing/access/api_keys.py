"""Issues, replaces and revokes API keys of any kind, each with an audit entry. No other module sees a secret."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from routing.models import ScopedKey
from tracing import audit


class KeyRefused(ValueError):
    """No key was issued or changed. The message says why and what to do."""


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """`text` contains the secret, which is shown only once. Only its hash is stored."""

    key: Any
    text: str


@dataclass(frozen=True, slots=True)
class Author:
    """The actor and the reason, for the audit log."""

    actor: str
    reason: str = ""


def issue(key: ScopedKey, *, at: datetime, by: Author) -> IssuedKey:
    """Store a key that has its owner, name, scopes and expiry, and generate its secret. Raises KeyRefused."""
    check_expiry(key.expiry_date, at=at)
    try:
        key.clean_fields(exclude=["id", "prefix", "hashed_key"])
    except ValidationError as error:
        raise KeyRefused(" ".join(error.messages)) from None
    manager: Any = type(key)._default_manager
    with transaction.atomic():
        text: str = manager.assign_key(key)
        key.save(force_insert=True)
        _record(key, "added", by=by, before={}, after=audit.read_state(key))
    return IssuedKey(key, text)


def check_expiry(expires: datetime | None, *, at: datetime) -> None:
    """Raises KeyRefused if a key with this expiry date would never work."""
    if expires is not None and expires <= at:
        message = f"its expiry date is in the past: {expires:%Y-%m-%d %H:%M %Z}"
        raise KeyRefused(message)


def rotate(key: ScopedKey, *, overlap: timedelta, at: datetime, by: Author) -> IssuedKey:
    """Issue a key with the same scopes. The old key works until `overlap` has passed. Raises KeyRefused.

    Of two concurrent rotations of a key, one is refused. The new key has the expiry date that the old one had, so a
    rotation does not extend access.
    """
    fresh = key.make_successor()
    ends_at = at + overlap if key.expiry_date is None else min(key.expiry_date, at + overlap)
    with transaction.atomic():
        if not _usable(key, at=at).filter(expiry_date=key.expiry_date).update(expiry_date=ends_at):
            raise KeyRefused(_rotation_refusal_reason(key, at=at))
        before = {"expiry_date": key.expiry_date}
        _record(key, "rotated", by=by, before=before, after={"expiry_date": ends_at})
        return issue(fresh, at=at, by=by)


def revoke(key: ScopedKey, *, by: Author) -> bool:
    """Revoke a key immediately and permanently. Returns False if it was already revoked."""
    with transaction.atomic():
        if not type(key)._default_manager.filter(pk=key.pk, revoked=False).update(revoked=True):
            return False
        _record(key, "revoked", by=by, before={"revoked": False}, after={"revoked": True})
    return True


def parse_scopes(texts: Sequence[str], *, model: type[ScopedKey]) -> list[str]:
    """Return the scopes in the model's order, or its default if `texts` is empty. Raises KeyRefused."""
    field: Any = model._meta.get_field("scopes")
    known = [code for code, _ in field.base_field.choices]
    if unknown := [text for text in texts if text not in known]:
        message = f"there is no scope {unknown[0]!r}; the scopes are {', '.join(known)}"
        raise KeyRefused(message)
    return [code for code in known if code in texts] if texts else list(field.get_default())


def _usable(key: ScopedKey, *, at: datetime) -> Any:
    rows = type(key)._default_manager.filter(pk=key.pk, revoked=False)
    return rows.exclude(expiry_date__lte=at)


def _rotation_refusal_reason(key: ScopedKey, *, at: datetime) -> str:
    if _usable(key, at=at).exists():
        changed = f"the expiry date of the key {key.prefix} was changed at the same time"
        return f"{changed}: check it, and rotate the key again if necessary"
    return f"the key {key.prefix} is revoked or has expired: create a new one instead"


def _record(key: ScopedKey, action: str, *, by: Author, before: audit.State, after: audit.State) -> None:
    audit.record(
        actor=by.actor,
        action=action,
        target=key,
        workspace_id=key.owner_workspace_id,
        reason=by.reason,
        before=before,
        after=after,
    )

"""Issues, replaces and revokes API keys of any kind, each with its entry in the audit. Secrets are seen here alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from routing.models import ScopedKey
from tracing import audit


class KeyRefused(ValueError):
    """Nothing was issued or changed; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """`text` is the only time that the secret is seen: its hash alone is stored."""

    key: Any
    text: str


@dataclass(frozen=True, slots=True)
class By:
    """Who does it and why, for the audit."""

    actor: str
    reason: str = ""


def issue(key: ScopedKey, *, at: datetime, by: By) -> IssuedKey:
    """Store a key that has its owner, name, scopes and end, and give it its secret. Raises KeyRefused."""
    if key.expiry_date is not None and key.expiry_date <= at:
        message = f"it would have expired already, at {key.expiry_date:%Y-%m-%d %H:%M %Z}"
        raise KeyRefused(message)
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


def rotate(key: ScopedKey, *, overlap: timedelta, at: datetime, by: By) -> IssuedKey:
    """Issue a key that may do the same, and end the old one after `overlap`: until then both work. Raises KeyRefused.

    Of two that rotate the same key at once one is refused. The new one ends when the old one was to end: a key that
    replaces another lasts no longer.
    """
    fresh = type(key)(
        **{key.owner_field: key.owner}, name=key.name, scopes=key.granted_scopes, expiry_date=key.expiry_date
    )
    ends_at = at + overlap if key.expiry_date is None else min(key.expiry_date, at + overlap)
    with transaction.atomic():
        if not _usable(key, at=at).filter(expiry_date=key.expiry_date).update(expiry_date=ends_at):
            raise KeyRefused(_why_not_rotated(key, at=at))
        before = {"expiry_date": key.expiry_date}
        _record(key, "rotated", by=by, before=before, after={"expiry_date": ends_at})
        return issue(fresh, at=at, by=by)


def revoke(key: ScopedKey, *, by: By) -> bool:
    """End a key at once and for good. False: it was revoked before."""
    with transaction.atomic():
        if not type(key)._default_manager.filter(pk=key.pk, revoked=False).update(revoked=True):
            return False
        _record(key, "revoked", by=by, before={"revoked": False}, after={"revoked": True})
    return True


def parse_scopes(texts: Sequence[str], *, model: type[ScopedKey]) -> list[str]:
    """The scopes in the model's order; without any its default. Raises KeyRefused."""
    field: Any = model._meta.get_field("scopes")
    known = [code for code, _ in field.base_field.choices]
    if unknown := [text for text in texts if text not in known]:
        message = f"no scope {unknown[0]!r}; there are {', '.join(known)}"
        raise KeyRefused(message)
    return [code for code in known if code in texts] if texts else list(field.get_default())


def _usable(key: ScopedKey, *, at: datetime) -> Any:
    rows = type(key)._default_manager.filter(pk=key.pk, revoked=False)
    return rows.exclude(expiry_date__lte=at)


def _why_not_rotated(key: ScopedKey, *, at: datetime) -> str:
    if _usable(key, at=at).exists():
        return f"the end of the key {key.prefix} was changed at this moment: look at it, and rotate it again if need be"
    return f"the key {key.prefix} is revoked or has expired: create a new one instead"


def _record(key: ScopedKey, action: str, *, by: By, before: audit.State, after: audit.State) -> None:
    audit.record(
        actor=by.actor,
        action=action,
        target=key,
        workspace_id=key.owner.workspace_id,
        reason=by.reason,
        before=before,
        after=after,
    )

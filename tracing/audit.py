"""Writes audit entries in the transaction of the action, so that both exist or neither."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from django.db.models import Model

from tracing.models import AuditEntry

MAX_REASON: Final = 200
MAX_READ: Final = 200
# Values of these fields identify a person or grant access: an entry only says that they changed.
UNAUDITED_FIELDS: Final = frozenset(
    {
        *("first_name", "last_name", "email", "phone", "address", "email_hash", "phone_hash"),
        *("contact_name", "contact_email", "contact_phone", "statement_emails", "email_to"),
        *(
            "attributes",
            "consent",
            "password",
            "hashed_key",
            "facts",
            "response",
            "headers",
            "secret",
            "auth_token",
            "previous_token",
            "signing_key",
            "phone_hash",
            "test_phone",
            "template",
        ),
    }
)
CHANGED: Final = "changed"

State = Mapping[str, Any]


def record(
    *,
    actor: str,
    action: str,
    target: Model,
    workspace_id: int | None,
    reason: str = "",
    before: State | None = None,
    after: State | None = None,
) -> AuditEntry:
    """Append one entry about `target` with what differs in `before` and `after`. Needs the action's transaction."""
    was, now = difference(before or {}, after or {})
    return AuditEntry.objects.create(
        actor=actor[:150],
        action=action,
        model=target._meta.label_lower,
        object_id=str(target.pk),
        object_label=str(target)[:200],
        workspace_id=workspace_id,
        reason=reason.strip()[:MAX_REASON],
        before=was,
        after=now,
    )


def record_save(
    row: Model, *, actor: str, workspace_id: int | None, reason: str = "", before: State | None
) -> AuditEntry | None:
    """Append one entry about a row that a form has just saved. Needs the transaction of the save.

    `before`: the read_state of the saved fields before the save. None means the row is new, and the action is
    "added". Otherwise the action is "changed". Returns None if no column differs.
    """
    after = read_state(row, fields=None if before is None else list(before))
    if after == before:
        return None
    action = "added" if before is None else "changed"
    return record(
        actor=actor,
        action=action,
        target=row,
        workspace_id=workspace_id,
        reason=reason,
        before=before,
        after=after,
    )


def record_deletions(
    rows: Iterable[Model], *, actor: str, workspace_id_of: Callable[[Any], int | None], reason: str
) -> None:
    """Append one entry for each row that is about to be deleted. Needs the transaction of the deletion."""
    for row in rows:
        record(
            actor=actor,
            action="deleted",
            target=row,
            workspace_id=workspace_id_of(row),
            reason=reason,
            before=read_state(row),
        )


def read_entries(target: Model, *, limit: int = MAX_READ) -> list[AuditEntry]:
    """Return the latest entries about a row, newest first."""
    entries = AuditEntry.objects.filter(object_id=str(target.pk), model=target._meta.label_lower)
    return list(entries.order_by("-id")[:limit])


def difference(before: State, after: State) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return both without their equal values; "changed" replaces the values of UNAUDITED_FIELDS."""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return _without_values(before, names), _without_values(after, names)


def _without_values(state: State, names: list[str]) -> dict[str, Any]:
    return {name: CHANGED if name in UNAUDITED_FIELDS else state[name] for name in names if name in state}


def read_state(row: Model, *, fields: list[str] | None = None) -> dict[str, Any]:
    """Return the row's current columns in the database by field name, a reference as the other row's id."""
    names = [field.name for field in row._meta.concrete_fields if fields is None or field.name in fields]
    return type(row)._default_manager.filter(pk=row.pk).values(*names).get() if names else {}

"""Writes what a change resolved to, with its audit entry."""

from typing import Any

from distribution.models import Buyer
from distribution.selfservice.author import Author
from distribution.selfservice.resolve import Resolved
from tracing import audit


def store(row: Any, resolved: Resolved, *, by: Author) -> None:
    """Write the columns with their audit entry. Needs the row's lock and an open transaction."""
    if not resolved.columns:
        return
    before = audit.read_state(row, fields=list(resolved.columns))
    row.save(update_fields=list(resolved.columns))
    workspace_id = (row if isinstance(row, Buyer) else row.buyer).workspace_id
    audit.record_save(row, actor=by.actor, workspace_id=workspace_id, reason=by.reason, before=before)

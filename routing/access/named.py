"""Finds rows by what an operator types: a public id, an id, a name or a slug."""

from difflib import get_close_matches
from typing import Any, Final, TypeVar

from django.db.models import Model, Q, QuerySet

from routing.models import Workspace
from tracing.parsing import parse_id, parse_text, parse_uuid

Row = TypeVar("Row", bound=Model)
MAX_NAMED: Final = 10


class NameNotFound(ValueError):
    """No row has this name, or several rows do. The message lists the rows that exist."""


def find_named(rows: QuerySet[Row], text: str, *, lookup: str, limit: int = 10) -> list[Row]:
    """Find at most `limit` rows by public id if `text` is one, otherwise by id or by the field `lookup`."""
    public_id = parse_uuid(text)
    if public_id is not None:
        return list(rows.filter(public_id=public_id))
    named = Q(**{lookup: text}) if parse_text(text) else Q(pk__in=[])
    row_id = parse_id(text)
    if row_id is not None:
        named |= Q(pk=row_id)
    return list(rows.filter(named)[:limit])


def choose_named(rows: QuerySet[Row], text: str, *, lookup: str = "name", workspace_slug: str = "") -> Row:
    """Return the one row with this name or id; with a blank slug, in any workspace. Raises NameNotFound."""
    kind = rows.model._meta.verbose_name
    rows = rows.select_related("workspace").order_by("workspace__slug", "name")
    if workspace_slug:
        rows = rows.filter(workspace__slug=workspace_slug)
    found = find_named(rows, text, lookup=lookup)
    if not found:
        known = ", ".join(f"{row.name!r} ({row.workspace.slug})" for row in _any(rows[:20]))
        message = f"there is no {kind} {text!r}; " + (
            f"choose one of {known}" if known else "none exists yet"
        )
        raise NameNotFound(message)
    if len(found) > 1:
        slugs = ", ".join(row.workspace.slug for row in _any(found))
        message = f"more than one {kind} is named {text!r}; choose one with --workspace ({slugs}) or by its public id"
        raise NameNotFound(message)
    return found[0]


def find_workspace(slug: str) -> Workspace:
    """Raises NameNotFound, which names similar slugs, or else some of those that exist."""
    workspace = Workspace.objects.filter(slug=slug).first()
    if workspace is not None:
        return workspace
    slugs = list(Workspace.objects.order_by("slug").values_list("slug", flat=True))
    close = get_close_matches(slug.lower(), slugs)
    if close:
        hint = f"did you mean {' or '.join(close)}?"
    else:
        more = f" and {len(slugs) - MAX_NAMED} more" if len(slugs) > MAX_NAMED else ""
        hint = f"choose one of {', '.join(slugs[:MAX_NAMED])}{more}" if slugs else "none exists yet"
    message = f"there is no workspace {slug!r}; {hint}"
    raise NameNotFound(message)


def _any(rows: Any) -> Any:
    """Sources and buyers have no common class that declares `name` and `workspace`."""
    return rows

"""Creates sources and their first API keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.core.exceptions import ValidationError
from django.db import transaction

from routing.access.api_keys import Author, KeyRefused, issue, parse_scopes
from routing.access.named import NameNotFound, choose_named, find_workspace
from routing.models import IntakeMode, Source, SourceKey, Workspace
from routing.values.normalize import FieldError, normalize_vertical


class SourceNotCreated(ValueError):
    """No source was created. The message says why and what to do."""


@dataclass(frozen=True, slots=True)
class NewSource:
    """`key` contains the secret, which is shown only once. Only its hash is stored."""

    source: Source
    key: str


def create_source(
    *,
    workspace_slug: str,
    name: str,
    vertical: str = "",
    may_create_workspace: bool = False,
    is_strict: bool = False,
    scopes: Sequence[str] = (),
    actor: str = "command line",
) -> NewSource:
    """Create a source with one key and, if allowed, its workspace. Without `scopes` the key gets the default ones.

    Raises SourceNotCreated.
    """
    try:
        default_vertical = normalize_vertical(vertical) or ""
    except FieldError as error:
        raise SourceNotCreated(f"the vertical {error.message}") from None
    with transaction.atomic():
        workspace = _find_workspace(workspace_slug, may_create=may_create_workspace)
        mode = IntakeMode.STRICT if is_strict else IntakeMode.LENIENT
        source = Source(workspace=workspace, name=name, default_vertical=default_vertical, intake_mode=mode)
        _check(source, f"the source {name!r}")
        source.save()
        return NewSource(source, _issue_first(source, scopes=scopes, actor=actor))


def _issue_first(source: Source, *, scopes: Sequence[str], actor: str) -> str:
    try:
        key = SourceKey(name="first key", source=source, scopes=parse_scopes(scopes, model=SourceKey))
        return issue(key, at=datetime.now(UTC), by=Author(actor)).text
    except KeyRefused as error:
        raise SourceNotCreated(str(error)) from None


def find_source(text: str, *, workspace_slug: str = "") -> Source:
    """Return the active source that `text` names: a public id, an id or a name. Raises NameNotFound."""
    source = choose_named(Source.objects.all(), text, workspace_slug=workspace_slug)
    if not source.active:
        message = f"the source {text!r} is not active"
        raise NameNotFound(message)
    return source


def _find_workspace(slug: str, *, may_create: bool) -> Workspace:
    try:
        return find_workspace(slug)
    except NameNotFound as error:
        if not may_create:
            message = f"{error}; --create-workspace creates it"
            raise SourceNotCreated(message) from None
    workspace = Workspace(slug=slug, name=slug)
    _check(workspace, f"the workspace {slug!r}")
    workspace.save()
    return workspace


def _check(row: Workspace | Source, what: str) -> None:
    try:
        row.full_clean()
    except ValidationError as error:
        raise SourceNotCreated(f"{what}: {' '.join(error.messages)}") from None

"""Names of rows that are known by their ids alone: read for many ids at once, and only if the user may see the row.

Tracing may not import these models. It finds their names through their own admin pages, which show a user only the
rows of the user's workspaces.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from django.contrib import admin
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import ForeignKey, Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tracing.admin.scope import ScopedAdmin
from tracing.models import AuditEntry

Reference: TypeAlias = tuple[type[Model], Any]
References: TypeAlias = Mapping[Reference, SafeString]


def read_names(
    request: HttpRequest,
    model: type[Model],
    keys: Iterable[Any],
    *,
    describe: Callable[[Any], SafeString] | None = None,
) -> dict[Any, SafeString | str]:
    """Return the names of the rows that exist and are visible, as links if the user may open them. One query.

    `describe` gives another text than the name.
    """
    page = admin.site._registry.get(model)
    wanted = set(keys)
    if page is None or not wanted:
        return {}
    rows = page.get_queryset(request).filter(pk__in=wanted)
    joined = page.get_list_select_related(request)
    if joined and not isinstance(joined, bool):
        rows = rows.select_related(*joined)
    can_open = page.has_view_permission(request)
    place = f"admin:{page.opts.app_label}_{page.opts.model_name}_change"
    names: dict[Any, SafeString | str] = {}
    for row in rows:
        name = describe(row) if describe else _name(page, row)
        link = format_html('<a href="{}">{}</a>', reverse(place, args=[row.pk]), name)
        names[row.pk] = link if can_open else name
    return names


def _name(page: "admin.ModelAdmin[Any]", row: Model) -> str:
    return page.title_of(row) if isinstance(page, ScopedAdmin) else str(row)


def read_references(
    entries: Iterable[AuditEntry], *, model: type[Model] | None, request: HttpRequest
) -> References:
    """Return the name and id of each row that the changed fields of `model` refer to.

    At most two queries for each referenced model, for any number of entries.
    """
    found: defaultdict[type[Model], set[Any]] = defaultdict(set)
    for related, key in _list_references(entries, model):
        found[related].add(key)
    return {
        (related, key): text
        for related, keys in found.items()
        for key, text in _describe_rows(request, related, keys).items()
    }


def find_reference(model: type[Model] | None, name: str, value: object) -> Reference | None:
    """Return the row that a recorded value of a field refers to. None if the field is not a foreign key."""
    field = find_field(model, name)
    if value is None or not isinstance(field, ForeignKey):
        return None
    try:
        return field.related_model, field.target_field.to_python(value)
    except ValidationError:
        return None


def find_field(model: type[Model] | None, name: str) -> Any:
    """Return None if the code no longer has the model or the field."""
    try:
        return None if model is None else model._meta.get_field(name)
    except FieldDoesNotExist:
        return None


def _list_references(entries: Iterable[AuditEntry], model: type[Model] | None) -> Iterator[Reference]:
    for entry in entries:
        for name, value in (*entry.before.items(), *entry.after.items()):
            reference = find_reference(model, name, value)
            if reference is not None:
                yield reference


def _describe_rows(request: HttpRequest, model: type[Model], keys: set[Any]) -> dict[Any, SafeString]:
    """Distinguish a deleted row from a row of another workspace."""
    names = read_names(request, model, keys)
    hidden = keys - names.keys()
    exist = set(model._base_manager.filter(pk__in=hidden).values_list("pk", flat=True)) if hidden else set()
    texts = {key: format_html("{} <small>#{}</small>", name, key) for key, name in names.items()}
    for key in hidden:
        what = "not visible to you" if key in exist else "deleted"
        texts[key] = format_html("{} (#{})", what, key)
    return texts

"""Names for the ids of workspaces, campaigns, buyers and rules on the page of one row.

Tracing may not import these models. It finds them by label, and their names through their own admin pages, which
show a user only the rows of the user's workspaces.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from django.apps import apps
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tracing.admin.columns import NOTHING, Column
from tracing.admin.readonly import ReadOnlyAdmin

_NAMED: Final = "leadswitch_named"


class NamingAdmin(ReadOnlyAdmin):
    """`named`: the model of each column that holds an id without a foreign key."""

    named: ClassVar[Mapping[str, str]] = {}

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        row = super().get_object(request, object_id, from_field)
        if row is not None:
            found = {
                column: self._name(request, label, getattr(row, column))
                for column, label in self.named.items()
            }
            setattr(row, _NAMED, found)
        return row

    def _name(self, request: HttpRequest, label: str, pk: int | None) -> SafeString | str:
        """Return the row's name, as a link if the user may open it. Its id if it was deleted or is not visible."""
        page = self.admin_site._registry.get(apps.get_model(label))
        if pk is None or page is None:
            return NOTHING if pk is None else str(pk)
        row = page.get_queryset(request).filter(pk=pk).first()
        if row is None:
            return str(pk)
        if not page.has_view_permission(request, row):
            return str(row)
        url = reverse(f"admin:{page.opts.app_label}_{page.opts.model_name}_change", args=[pk])
        return format_html('<a href="{}">{}</a>', url, row)


def named_field(column: str, *, label: str) -> Column:
    """A field of a page that is a NamingAdmin."""

    @admin.display(description=label)
    def show(self: object, row: Model) -> SafeString | str:  # noqa: ARG001 - a method of the admin class
        names: Mapping[str, SafeString | str] = getattr(row, _NAMED, {})
        return names.get(column, NOTHING)

    return show

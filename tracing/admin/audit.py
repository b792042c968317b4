"""The audit log: who did what, why, and what it changed."""

from typing import Any, Final

from django.apps import apps
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from tracing.admin.columns import NOTHING
from tracing.admin.history import describe_action, describe_changes
from tracing.admin.named import NamingAdmin, named_field
from tracing.admin.references import read_references
from tracing.models import AuditEntry
from tracing.parsing import parse_text

_REFERENCES: Final = "leadswitch_references"


@admin.register(AuditEntry)
class AuditEntryAdmin(NamingAdmin):
    workspace_path = "workspace_id"
    list_display = ("at", "actor", "did", "kind", "object_label", "reason")
    empty_list_text = "Every change that a person makes here will be listed."
    search_help_text = "A user name, or the id of a row, as in the URL of its page."
    exact_searches = {"actor": parse_text, "object_id": parse_text}
    fields = ("at", "actor", "did", "kind", "object_label", "object_id", "workspace", "reason", "changes")
    readonly_fields = ("did", "kind", "workspace", "changes")
    named = {"workspace_id": "routing.workspace"}
    workspace = named_field("workspace_id", label="workspace")

    def title_of(self, row: AuditEntry) -> str:
        return f"{capfirst(describe_action(row.action))}: {row.object_label or row.object_id}, by {row.actor}"

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        entry = super().get_object(request, object_id, from_field)
        if entry is not None:
            references = read_references([entry], model=_model_of(entry), request=request)
            setattr(entry, _REFERENCES, references)
        return entry

    @admin.display(description="what", ordering="action")
    def did(self, entry: AuditEntry) -> str:
        return describe_action(entry.action)

    @admin.display(description="kind", ordering="model")
    def kind(self, entry: AuditEntry) -> str:
        model = _model_of(entry)
        return entry.model if model is None else str(model._meta.verbose_name)

    @admin.display(description="changes")
    def changes(self, entry: AuditEntry) -> SafeString | str:
        references = getattr(entry, _REFERENCES, {})
        lines = ((text,) for text in describe_changes(entry, model=_model_of(entry), references=references))
        return format_html_join("", "<div>{}</div>", lines) or NOTHING


def _model_of(entry: AuditEntry) -> type[Model] | None:
    """None if the code no longer has the model."""
    try:
        return apps.get_model(entry.model)
    except (LookupError, ValueError):
        return None

"""The audit: who did what, why, and what it changed."""

from django.contrib import admin

from tracing.admin.readonly import ReadOnlyAdmin, pretty_json
from tracing.models import AuditEntry
from tracing.parsing import parse_text


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    workspace_path = "workspace_id"
    list_display = ("at", "actor", "action", "model", "object_label", "reason")
    empty_list_text = "Every change that a person makes here will be listed."
    search_help_text = "A user's name, or the id of a row as its page's address has it."
    exact_searches = {"actor": parse_text, "object_id": parse_text}
    fields = (
        *("at", "actor", "action", "model", "object_id", "object_label", "workspace_id", "reason"),
        *("pretty_before", "pretty_after"),
    )
    readonly_fields = ("pretty_before", "pretty_after")
    pretty_before = pretty_json("before")
    pretty_after = pretty_json("after")

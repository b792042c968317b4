"""Sources and their keys."""

from typing import Any, ClassVar, TypeAlias

from django.contrib import admin
from rest_framework_api_key.admin import APIKeyModelAdmin

from routing.admin.configuration import ConfigurationAdmin
from routing.models import Source, SourceKey
from tracing.admin.audited import REASON, AuditedAdmin

# The library's class has tuples of a fixed length for its types.
Columns: TypeAlias = Any


@admin.register(Source)
class SourceAdmin(ConfigurationAdmin):
    workspace_path = "workspace"
    list_display = ("name", "workspace", "default_vertical", "intake_mode", "active", "created_at")
    list_filter = ("active", "intake_mode", "workspace")
    list_select_related = ("workspace",)
    search_fields = ("name", "workspace__name")
    empty_list_text = "Add a source, make it a key, and send the first lead with it."
    instead_of_deleting = "Untick Active on its page instead: its keys are refused from then on."
    ordering = ("workspace__name", "name")
    autocomplete_fields = ("workspace",)
    readonly_fields = ("public_id", "created_at")


@admin.register(SourceKey)
class SourceKeyAdmin(AuditedAdmin, APIKeyModelAdmin):  # type: ignore[misc]  # the library names its defaults
    """The key is shown once, in the message after it was made; only its prefix and hash are stored."""

    workspace_path = "source__workspace"
    list_display: Columns = (
        "name",
        "prefix",
        "source",
        "workspace",
        "created",
        "expiry_date",
        "revoked",
    )
    list_filter: ClassVar[Columns] = ("revoked", "source__workspace")
    list_select_related = ("source__workspace",)
    search_fields: ClassVar[Columns] = ("name", "prefix", "source__name")
    empty_list_text = "Add a source first, then a key with which it sends its leads."
    autocomplete_fields = ("source",)
    fields = ("name", "source", "prefix", "expiry_date", "revoked", REASON)

    @admin.display(description="workspace", ordering="source__workspace__name")
    def workspace(self, key: SourceKey) -> str:
        return key.source.workspace.name

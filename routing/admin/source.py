"""Sources and their keys. Distribution registers the page of sources, which shows what they are owed."""

from typing import ClassVar

from django.contrib import admin

from routing.admin.configuration import ConfigurationAdmin
from routing.admin.keys import Columns, ScopedKeyAdmin
from routing.conditions.rewriting import rewrite_vertical
from routing.models import SourceKey


class SourceAdmin(ConfigurationAdmin):
    workspace_path = "workspace"
    owner_fields = ("workspace",)
    list_display = ("name", "workspace", "default_vertical", "active", "created_at")
    list_filter = ("active", "intake_mode", "workspace")
    list_select_related = ("workspace",)
    search_fields = ("name", "workspace__name")
    empty_list_text = "Add a source, issue a key for it, and send the first lead."
    instead_of_deleting = "Uncheck Active on its page instead. Its keys are then rejected."
    ordering = ("workspace__name", "name")
    autocomplete_fields = ("workspace",)
    readonly_fields: ClassVar[tuple[str, ...]] = ("public_id", "created_at")
    rewriters = {"default_vertical": rewrite_vertical}


@admin.register(SourceKey)
class SourceKeyAdmin(ScopedKeyAdmin):
    workspace_path = "source__workspace"
    owner_fields = ("source",)
    list_filter: ClassVar[Columns] = ("revoked", "source__workspace")
    list_select_related = ("source__workspace",)
    search_fields: ClassVar[Columns] = ("name", "prefix", "source__name")
    empty_list_text = "Add a source first, then issue a key so that it can send leads."
    autocomplete_fields = ("source",)

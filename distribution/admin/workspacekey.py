"""Keys of workspaces."""

from typing import ClassVar

from django.contrib import admin

from distribution.models import WorkspaceKey
from routing.admin.keys import Columns, ScopedKeyAdmin


@admin.register(WorkspaceKey)
class WorkspaceKeyAdmin(ScopedKeyAdmin):
    workspace_path = "workspace"
    owner_fields = ("workspace",)
    list_filter: ClassVar[Columns] = ("revoked", "workspace")
    list_select_related = ("workspace",)
    search_fields: ClassVar[Columns] = ("name", "prefix", "workspace__name")
    empty_list_text = "Issue a key for each of your own programs that decides about returns or deliveries."
    autocomplete_fields = ("workspace",)

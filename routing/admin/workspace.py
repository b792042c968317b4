"""Tenants."""

from django.contrib import admin

from routing.admin.configuration import ConfigurationAdmin
from routing.admin.filters import PausedFilter
from routing.models import Workspace


@admin.register(Workspace)
class WorkspaceAdmin(ConfigurationAdmin):
    workspace_path = "pk"
    list_display = ("name", "slug", "kind", "timezone", "lead_ttl_days", "paused_at")
    list_filter = ("kind", PausedFilter)
    search_fields = ("name", "slug")
    empty_list_text = "Each agency or partner has one. Ask an admin to add you to yours, under Users."
    instead_of_deleting = "Pause it on its page instead: leads are then taken in and none is distributed."
    ordering = ("name",)
    readonly_fields = ("public_id", "created_at")
    prepopulated_fields = {"slug": ("name",)}

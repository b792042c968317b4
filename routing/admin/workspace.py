"""Tenants."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from routing import pauses, rollout
from routing.admin.configuration import ConfigurationAdmin
from routing.models import Workspace


@admin.register(Workspace)
class WorkspaceAdmin(ConfigurationAdmin):
    workspace_path = "pk"
    list_display = ("name", "slug", "kind", "timezone", "lead_ttl_days", "dispatch_mode", "paused_at")
    list_filter = ("kind", "dispatch_mode", ("paused_at", admin.EmptyFieldListFilter))
    search_fields = ("name", "slug")
    ordering = ("name",)
    readonly_fields = ("public_id", "created_at")
    prepopulated_fields = {"slug": ("name",)}

    def write_model(self, request: HttpRequest, obj: models.Model, *, form: Any, change: bool) -> None:
        super().write_model(request, obj, form=form, change=change)
        if "dispatch_mode" in form.changed_data:
            rollout.follow_later(obj.pk)
        if "paused_at" in form.changed_data:
            pauses.mirror_later(obj.pk)

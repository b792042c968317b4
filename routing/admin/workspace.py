"""Workspaces."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from routing.admin.configuration import ConfigurationAdmin
from routing.admin.filters import PausedFilter
from routing.conditions.rewriting import rewrite_timezone
from routing.dispatch import modes
from routing.models import DuplicateScope, Workspace
from routing.values.opening_hours import describe_hours
from tracing.admin.scope import visible_ids


@admin.register(Workspace)
class WorkspaceAdmin(ConfigurationAdmin):
    change_form_template = "admin/leadswitch/change_form.html"
    workspace_path = "pk"
    describers = {"hours": describe_hours}
    rewriters = {"timezone": rewrite_timezone}
    list_display = ("name", "slug", "kind", "timezone", "dispatch_mode", "paused_at")
    list_filter = ("kind", "dispatch_mode", PausedFilter)
    search_fields = ("name", "slug")
    empty_list_text = "Each agency or partner has a workspace. Ask an admin to add you to yours under Users."
    instead_of_deleting = "Pause it under Dispatch instead. Leads are then accepted but not distributed."
    ordering = ("name",)
    readonly_fields = ("paused_at", "public_id", "created_at")
    prepopulated_fields = {"slug": ("name",)}

    def write_model(self, request: HttpRequest, obj: models.Model, *, form: Any, change: bool) -> None:
        super().write_model(request, obj, form=form, change=change)
        if "dispatch_mode" in form.changed_data:
            modes.follow_mode_after_commit(obj.pk)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """With a button that leads to the switch of the Dispatch page."""
        workspace = self.get_object(request, unquote(object_id))
        buttons = []
        if workspace is not None and self.has_change_permission(request, workspace):
            name = "pause" if workspace.paused_at is None else "resume"
            url = reverse("admin:routing_dispatchcontrol_switch", args=[name])
            buttons = [{"title": name.capitalize(), "url": f"{url}?workspace={workspace.pk}"}]
        context = {**(extra_context or {}), "action_buttons": buttons}
        return super().change_view(request, object_id, form_url, context)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002
        """The scope "everywhere" reveals leads of other workspaces. Only a user who sees all of them may choose it."""
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        scope = form.base_fields.get("duplicate_scope")
        is_chosen = obj is not None and obj.duplicate_scope == DuplicateScope.EVERYWHERE
        if scope is not None and visible_ids(request) is not None and not is_chosen:
            scope.choices = [choice for choice in scope.choices if choice[0] != DuplicateScope.EVERYWHERE]
        return form

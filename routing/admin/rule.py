"""Routing rules, and the page that tests them on a lead."""

from collections.abc import Collection
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from routing.admin.configuration import ConfigurationAdmin
from routing.admin.rule_dry_run import DryRunPage
from routing.admin.typed import describe_condition
from routing.conditions import ConditionError, compile_condition
from routing.conditions.rewriting import rewrite_condition
from routing.locks.switches import try_lock_rules
from routing.models import RoutingRule, Workspace
from routing.models.rule_triggers import MAX_HOPS
from routing.rules.cycles import find_cycle, is_path_too_long
from tracing.admin.audited import ReasonedForm
from tracing.admin.scope import visible_ids

OTHER_WORKSPACE = "another workspace"


class RuleForm(ReasonedForm):
    """Refuses a rule that stays in its workspace, makes a cycle (the error names it) or too long a path."""

    # Set for each request: not even the names of other workspaces are shown.
    visible_ids: ClassVar[Collection[int] | None] = None

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        workspace_id, destination_id = self._chosen("workspace"), self._chosen("destination")
        if workspace_id is None or destination_id is None:
            return cleaned
        if workspace_id == destination_id:
            self._refuse("The lead is already in this workspace. Choose another one.")
        elif self.cleaned_data.get("active"):
            self._check_path(workspace_id, destination_id)
        return cleaned

    def _chosen(self, name: str) -> int | None:
        if name not in self.fields:  # read-only on this page
            return getattr(self.instance, f"{name}_id", None)
        chosen = self.cleaned_data.get(name)
        return None if chosen is None else int(chosen.pk)

    def _refuse(self, message: str) -> None:
        self.add_error("destination" if "destination" in self.fields else None, message)

    def _check_path(self, workspace_id: int, destination_id: int) -> None:
        if not try_lock_rules():
            self.add_error(None, "Someone else is changing rules right now. Try again.")
            return
        ends = {"workspace_id": workspace_id, "destination_id": destination_id, "rule_id": self.instance.pk}
        cycle = find_cycle(**ends)
        if cycle:
            names = self._names(cycle)
            self._refuse(f"This makes a cycle: {' → '.join(names[each] for each in cycle)}.")
        elif is_path_too_long(**ends):
            self._refuse(f"This makes a path of more than {MAX_HOPS} rules in a row. Remove some.")

    def _names(self, ids: Collection[int]) -> dict[int, str]:
        names = dict(Workspace.objects.filter(pk__in=ids).values_list("pk", "name"))
        allowed = self.visible_ids
        return {
            pk: name if allowed is None or pk in allowed else OTHER_WORKSPACE for pk, name in names.items()
        }


class TagFilter(admin.SimpleListFilter):
    title = "tag"
    parameter_name = "tag"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rules = model_admin.get_queryset(request).values_list("tags", flat=True)
        return [(tag, tag) for tag in sorted({tag for tags in rules for tag in tags})]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        return queryset.filter(tags__contains=[self.value()]) if self.value() else queryset


@admin.register(RoutingRule)
class RoutingRuleAdmin(DryRunPage, ConfigurationAdmin):
    """A rule belongs to its source workspace. A user who changes its destination must see both workspaces."""

    form: Any = RuleForm
    workspace_path = "workspace"
    owner_fields = ("workspace",)
    change_form_template = "admin/leadswitch/change_form.html"
    change_list_template = "admin/routing/routingrule/change_list.html"
    list_display = ("name", "workspace", "priority", "active", "takes", "destination", "shown_tags")
    list_filter = ("active", TagFilter, "workspace")
    list_select_related = ("workspace", "destination")
    search_fields = ("name", "workspace__name", "destination__name")
    ordering = ("workspace__name", "-priority", "pk")
    autocomplete_fields = ("workspace", "destination")
    readonly_fields = ("public_id", "created_at")
    empty_list_text = (
        "Without rules, every lead stays in the workspace that received it. Add one to send leads elsewhere."
    )
    describers = {"conditions": describe_condition}
    rewriters = {"conditions": rewrite_condition}

    def lock(self, rows: QuerySet[Any]) -> bool:
        """Takes the lock of all rules before any row lock, as the triggers of the table do."""
        return try_lock_rules() and super().lock(rows)

    @admin.display(description="takes")
    def takes(self, rule: RoutingRule) -> str:
        try:
            return compile_condition(rule.conditions).describe()
        except ConditionError:
            return "invalid conditions: correct them"

    @admin.display(description="tags")
    def shown_tags(self, rule: RoutingRule) -> str:
        return ", ".join(rule.tags)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        form.visible_ids = visible_ids(request)  # Django makes a class of its own for each request
        return form

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        fields = tuple(super().get_readonly_fields(request, obj))
        ids = visible_ids(request)
        is_hidden = obj is not None and ids is not None and obj.destination_id not in ids
        return (*fields, "destination") if is_hidden else fields

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        rule = self.get_object(request, object_id)
        query = f"?workspace={rule.workspace_id}" if rule is not None else ""
        button = {"title": "Test a lead", "url": reverse("admin:routing_routingrule_try") + query}
        return super().change_view(
            request, object_id, form_url, {**(extra_context or {}), "action_buttons": [button]}
        )

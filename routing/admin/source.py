"""Sources and their keys. Distribution registers the page of sources, which shows what they are owed."""

from typing import Any, ClassVar, Final

from django.contrib import admin
from django.http import HttpRequest

from routing.admin.configuration import ConfigurationAdmin
from routing.admin.keys import Columns, ScopedKeyAdmin
from routing.conditions.rewriting import rewrite_vertical
from routing.models import SourceKey
from tracing.admin.columns import test_column

NAME_FORM: Final = "Letters, digits, - and _, e.g. landing-page."


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

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "name":
            field.help_text = f"{NAME_FORM} {db_field.help_text}"
        return field


@admin.register(SourceKey)
class SourceKeyAdmin(ScopedKeyAdmin):
    workspace_path = "source__workspace"
    owner_fields = ("source",)
    list_filter: ClassVar[Columns] = ("revoked", "source__workspace")
    list_select_related = ("source__workspace",)
    search_fields: ClassVar[Columns] = ("name", "prefix", "source__name")
    empty_list_text = "Add a source first, then issue a key so that it can send leads."
    autocomplete_fields = ("source",)
    test = test_column()

    def get_list_display(self, request: HttpRequest) -> Columns:
        return (*super().get_list_display(request), "test")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Columns:
        name, owner, scopes, *others = super().get_fields(request, obj)
        return (name, owner, scopes, "is_test", *others)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Columns:
        kept = super().get_readonly_fields(request, obj)
        return (*kept, "is_test") if obj is not None and obj.revoked else kept

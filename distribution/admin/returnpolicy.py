"""Under which rules buyers may return leads."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from distribution.configuration.return_reasons import BUYER_CHOICES
from distribution.models import ReturnPolicy
from tracing.admin.audited import REASON, AuditedAdmin


@admin.register(ReturnPolicy)
class ReturnPolicyAdmin(AuditedAdmin):
    workspace_path = "workspace"
    owner_fields = ("workspace", "buyer")
    list_display = ("whose", "workspace", "active", "window_hours", "evidence", "limit", "resells")
    list_filter = ("active", "workspace")
    list_select_related = ("workspace", "buyer__workspace")
    empty_list_text = (
        "Without a policy, buyers cannot ask for returns. Add one for a workspace; a buyer may have its own."
    )
    ordering = ("workspace__name", "pk")
    readonly_fields = ("created_at",)
    fieldsets = (
        (None, {"fields": ("workspace", "buyer", "active")}),
        ("What can be requested", {"fields": ("window_hours", "reasons", "evidence")}),
        ("Limit", {"fields": ("limit_basis", "limit_value", "limit_period")}),
        ("Approval at once", {"fields": ("automatic_reasons", "automatic_hours", "automatic_percent")}),
        ("After an approval", {"fields": ("resells", "resale_hours")}),
        (None, {"fields": ("created_at", REASON)}),
    )

    @admin.display(description="policy")
    def whose(self, policy: ReturnPolicy) -> str:
        return policy.buyer.name if policy.buyer else "all other buyers"

    @admin.display(description="limit")
    def limit(self, policy: ReturnPolicy) -> str:
        if policy.limit_value is None:
            return "no limit"
        unit = " leads" if policy.limit_basis == "leads" else "%"
        return f"{policy.limit_value}{unit} a {policy.limit_period}"

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Reasons are boxes to check."""
        if db_field.name in ("reasons", "automatic_reasons"):
            return forms.MultipleChoiceField(
                choices=BUYER_CHOICES,
                required=not db_field.blank,
                widget=forms.CheckboxSelectMultiple,
                label=db_field.verbose_name.capitalize(),
                help_text=db_field.help_text,
                initial=db_field.get_default(),
            )
        return super().formfield_for_dbfield(db_field, request, **kwargs)

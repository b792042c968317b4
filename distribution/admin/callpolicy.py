"""How the people of a campaign are called: how often, after which waits, and what they hear."""

from typing import Any, ClassVar, Final

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from distribution.admin.narrowing import read_campaign_id
from distribution.models import CallPolicy
from distribution.models.callpolicy import REPEATED
from tracing.admin.audited import REASON, AuditedAdmin

LABELS: Final = {
    "max_calls": "Most calls in all",
    "ring_seconds": "Ringing (seconds)",
    "needs_consent": "Only with proof of consent",
    "records_calls": "Record calls",
    **{f"{outcome}_minutes": "Wait (minutes)" for outcome in REPEATED},
    **{f"{outcome}_calls": "Most calls" for outcome in REPEATED},
}


@admin.register(CallPolicy)
class CallPolicyAdmin(AuditedAdmin):
    workspace_path = "campaign__workspace"
    owner_fields = ("campaign",)
    list_display = ("campaign", "workspace", "max_calls", "ring_seconds", "needs_consent", "records_calls")
    list_filter = ("campaign__workspace", "needs_consent", "records_calls")
    list_select_related = ("campaign__workspace",)
    search_fields = ("campaign__name",)
    ordering = ("campaign__name",)
    autocomplete_fields = ("campaign",)
    empty_list_text = (
        "A campaign without a policy calls each person at most 4 times, with waits of 10 minutes to 3 hours. Add one "
        "to change that, or what people hear."
    )
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("campaign", "max_calls")}),
        *(
            (f"After {label}", {"fields": ((f"{outcome}_minutes", f"{outcome}_calls"),)})
            for outcome, label in (
                ("no_answer", "no answer"),
                ("voicemail", "an answering machine"),
                ("busy", "a busy line"),
                ("no_input", "an answer without a key"),
                ("failed", "a failure of the carrier"),
            )
        ),
        ("The call", {"fields": ("ring_seconds", "script")}),
        ("Who is called", {"fields": ("needs_consent", "records_calls")}),
        (None, {"fields": (REASON,)}),
    )

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Opened from the page of a campaign."""
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        campaign_id = read_campaign_id(request)
        return initial if campaign_id is None else {**initial, "campaign": campaign_id}

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "script":
            kwargs["widget"] = forms.Textarea(attrs={"rows": 4, "cols": 80})
        field: Any = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name in LABELS:
            field.label = LABELS[db_field.name]
        return field

    @admin.display(description="workspace")
    def workspace(self, policy: CallPolicy) -> str:
        return str(policy.campaign.workspace)

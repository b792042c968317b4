"""Responses stored for repeated requests."""

from django.contrib import admin

from routing.models import IdempotencyRecord
from tracing.admin.readonly import ReadOnlyAdmin, pretty_json
from tracing.parsing import parse_text


@admin.register(IdempotencyRecord)
class IdempotencyRecordAdmin(ReadOnlyAdmin):
    workspace_path = "workspace"
    list_display = ("route", "key", "workspace", "status_code", "created_at")
    list_filter = ("workspace",)
    list_select_related = ("workspace",)
    empty_list_text = "Requests sent with an Idempotency-Key are stored here for one day."
    search_help_text = "A complete Idempotency-Key."
    exact_searches = {"key": parse_text}
    fields = (
        "workspace",
        "owner_id",
        "route",
        "key",
        "fingerprint",
        "status_code",
        "pretty_response",
        "created_at",
    )
    readonly_fields = ("pretty_response",)
    pretty_response = pretty_json("response")

"""Events: one step of an attempt."""

from django.contrib import admin

from tracing.admin.filters import AnyReasonFilter, EventFilter
from tracing.admin.readonly import ReadOnlyAdmin, pretty_json
from tracing.models import LeadDistributionEvent
from tracing.parsing import parse_uuid


@admin.register(LeadDistributionEvent)
class LeadDistributionEventAdmin(ReadOnlyAdmin):
    list_display = (
        *("id", "attempt_id", "seq", "event", "buyer_id", "cost_cents", "outcome", "skip_reason"),
        *("duration_ms", "created_at"),
    )
    list_filter = (EventFilter, AnyReasonFilter)
    search_help_text = (
        "An attempt's id: its events. They have no index by lead; the lead's page tells them all."
    )
    exact_searches = {"attempt_id": parse_uuid}
    fields = (
        *("lead_id", "attempt_id", "seq", "event", "buyer_id", "cost_cents", "outcome", "skip_reason"),
        *("duration_ms", "created_at", "pretty_data"),
    )
    readonly_fields = ("pretty_data",)
    pretty_data = pretty_json("data")

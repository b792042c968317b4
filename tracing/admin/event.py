"""Events: one step of an attempt."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet

from tracing.admin.filters import AnyReasonFilter, EventFilter, WorkspaceFilter
from tracing.admin.readonly import ReadOnlyAdmin, pretty_json
from tracing.models import Attempt, LeadDistributionEvent
from tracing.parsing import parse_uuid


@admin.register(LeadDistributionEvent)
class LeadDistributionEventAdmin(ReadOnlyAdmin):
    """An event belongs to the workspace that its attempt decided for."""

    list_display = (
        *("id", "attempt_id", "seq", "event", "buyer_id", "cost_cents", "outcome", "skip_reason"),
        *("duration_ms", "created_at"),
    )
    # The newest attempt first: those of one workspace are found through its attempts, however long ago they were.
    keyset = ("attempt_id", "seq")
    list_filter = (WorkspaceFilter, EventFilter, AnyReasonFilter)
    empty_list_text = "The first lead that is tried leaves some."
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

    def of_workspaces(self, queryset: QuerySet[Any], ids: Sequence[int]) -> QuerySet[Any]:
        attempt = Attempt.objects.filter(pk=OuterRef("attempt_id"), destination_workspace_id__in=ids)
        return queryset.filter(Exists(attempt))

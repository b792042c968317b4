"""Events: one step of an attempt."""

from collections.abc import Sequence
from typing import Any, Final

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet

from tracing.admin.columns import (
    duration_column,
    lead_column,
    money_column,
    reason_column,
    reason_field,
    time_column,
    word_column,
)
from tracing.admin.filters import AnyReasonFilter, EventFilter, WorkspaceFilter
from tracing.admin.readonly import ReadOnlyAdmin, pretty_json
from tracing.models import Attempt, LeadDistributionEvent
from tracing.narrator import RESULTS
from tracing.parsing import parse_uuid
from tracing.vocabulary import Event

EVENTS: Final = {code: code.replace("_", " ") for code in Event}


@admin.register(LeadDistributionEvent)
class LeadDistributionEventAdmin(ReadOnlyAdmin):
    """An event belongs to the workspace that its attempt decided for."""

    list_display = ("id", "attempt_id", "seq", "what", "buyer_id", "cost", "result", "reason", "created")
    # The newest attempt first: those of one workspace are found through its attempts, however long ago they were.
    keyset = ("attempt_id", "seq")
    list_filter = (WorkspaceFilter, EventFilter, AnyReasonFilter)
    empty_list_text = "The first lead that is tried leaves some."
    search_help_text = (
        "An attempt's id: its events. They have no index by lead; the lead's page tells them all."
    )
    exact_searches = {"attempt_id": parse_uuid}
    fields = (
        *("lead", "attempt_id", "seq", "what", "buyer_id", "cost", "result", "reason_told"),
        *("took", "created_at", "pretty_data"),
    )
    readonly_fields = ("lead", "what", "cost", "result", "reason_told", "took", "pretty_data")
    lead = lead_column()
    what = word_column("event", words=EVENTS)
    result = word_column("outcome", words=RESULTS, label="outcome")
    cost = money_column("cost_cents", label="cost")
    reason = reason_column()
    reason_told = reason_field()
    took = duration_column()
    created = time_column("created_at")
    pretty_data = pretty_json("data")

    def of_workspaces(self, queryset: QuerySet[Any], ids: Sequence[int]) -> QuerySet[Any]:
        attempt = Attempt.objects.filter(pk=OuterRef("attempt_id"), destination_workspace_id__in=ids)
        return queryset.filter(Exists(attempt))

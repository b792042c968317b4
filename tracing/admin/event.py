"""Events: one step of an attempt."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest

from tracing.admin.columns import (
    duration_column,
    lead_column,
    money_column,
    reason_column,
    reason_field,
    time_column,
    word_column,
)
from tracing.admin.days import APART, DayByIdFilter, first_id_at
from tracing.admin.filters import AnyReasonFilter, EventFilter, WorkspaceFilter
from tracing.admin.keyset import MAX_SCANNED, Place
from tracing.admin.named import NamingAdmin, named_field
from tracing.admin.readonly import readable_json
from tracing.models import Attempt, LeadDistributionEvent
from tracing.parsing import parse_id, parse_uuid
from tracing.vocabulary import RESULTS, Event

EVENTS: Final = {code: code.replace("_", " ") for code in Event}

# Of a workspace its attempts are counted, each of which has about as many events.
EVENTS_PER_ATTEMPT: Final = 8
# Whose ids are named one by one; with more on a day a page is soon filled.
FEW_ATTEMPTS: Final = 500


class EventDayFilter(DayByIdFilter):
    column = "created_at"
    id_column = "attempt_id"

    def __init__(self, request: HttpRequest, *rest: Any) -> None:
        super().__init__(request, *rest)
        self.workspace_id = parse_id(request.GET.get(WorkspaceFilter.parameter_name, ""))

    def of_days(self, queryset: QuerySet[Any], *, first: datetime, end: datetime) -> QuerySet[Any]:
        """Of a workspace with few attempts on these days by those: the days have all the others' events too."""
        found = super().of_days(queryset, first=first, end=end)
        if self.workspace_id is None:
            return found
        attempts = Attempt.objects.filter(
            destination_workspace_id=self.workspace_id,
            pk__gte=first_id_at(first - APART),
            pk__lt=first_id_at(end + APART),
        )
        ids = list(attempts.order_by("pk").values_list("pk", flat=True)[: FEW_ATTEMPTS + 1])
        return found.filter(attempt_id__in=ids) if len(ids) <= FEW_ATTEMPTS else found


@admin.register(LeadDistributionEvent)
class LeadDistributionEventAdmin(NamingAdmin):
    """An event belongs to the workspace that its attempt decided for."""

    list_display = ("step", "attempt", "what", "buyer", "cost", "reason", "created")
    # The newest attempt first: those of one workspace are found through its attempts, however long ago they were.
    keyset = ("attempt_id", "seq")
    list_filter = (WorkspaceFilter, EventFilter, AnyReasonFilter, EventDayFilter)
    scan_time = "created_at"
    empty_list_text = "Events appear here once a lead is tried."
    search_help_text = "The id of an attempt. The events of a lead are on the lead's page."
    exact_searches = {"attempt_id": parse_uuid}
    fields = (
        *("lead", "attempt", "step", "what", "buyer", "cost", "result", "reason_display"),
        *("took", "created_at", "pretty_data"),
    )
    readonly_fields = (
        *(
            "lead",
            "attempt",
            "step",
            "what",
            "buyer",
            "cost",
            "result",
            "reason_display",
            "took",
            "pretty_data",
        ),
    )
    named = {"attempt_id": "tracing.attempt", "buyer_id": "distribution.buyer"}
    named_in_list = ("attempt_id", "buyer_id")
    attempt = named_field("attempt_id", label="attempt")
    buyer = named_field("buyer_id", label="buyer")
    step = word_column("seq", words={}, label="step")
    lead = lead_column()
    what = word_column("event", words=EVENTS)
    result = word_column("outcome", words=RESULTS, label="outcome")
    cost = money_column("cost_cents", label="cost")
    reason = reason_column()
    reason_display = reason_field()
    took = duration_column()
    created = time_column("created_at")
    pretty_data = readable_json("data")

    def of_workspaces(self, queryset: QuerySet[Any], ids: Sequence[int]) -> QuerySet[Any]:
        attempt = Attempt.objects.filter(pk=OuterRef("attempt_id"), destination_workspace_id__in=ids)
        return queryset.filter(Exists(attempt))

    def scan_limit(
        self,
        asked: Mapping[str, str],
        *,
        ids: Sequence[int] | None,  # noqa: ARG002 - a workspace has no index of these either
    ) -> int | None:
        is_filtered = asked.get("event") or asked.get("skip_reason")
        return MAX_SCANNED if is_filtered and not asked.get("day") else None

    def place_far(
        self, start: Place | None, *, side: str, rows: int, workspace_id: int | None
    ) -> Place | None:
        """Of a workspace by its attempts: its events have no index."""
        if workspace_id is None:
            return super().place_far(start, side=side, rows=rows, workspace_id=None)
        attempts = Attempt.objects.filter(destination_workspace_id=workspace_id)
        if start is not None:
            attempts = attempts.filter(**{f"pk__{side}": start[0]})
        far = max(1, rows // EVENTS_PER_ATTEMPT) - 1
        ids = attempts.order_by("-pk" if side == "lt" else "pk").values_list("pk", flat=True)[far : far + 1]
        return next(((each, 1) for each in ids), None)

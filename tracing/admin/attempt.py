"""Attempts: one run of the engine over one lead."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from tracing.admin.attempt_filters import FaultFilter, HoursFilter, WaitedFilter, parse_hours
from tracing.admin.columns import (
    NOTHING,
    duration_column,
    lead_column,
    reason_column,
    reason_field,
    test_column,
    time_column,
    word_column,
)
from tracing.admin.days import DayByIdFilter
from tracing.admin.filters import LeadReasonFilter, WorkspaceFilter
from tracing.admin.keyset import MAX_SCANNED
from tracing.admin.named import NamingAdmin, named_field
from tracing.admin.readonly import readable_json
from tracing.models import Attempt
from tracing.narrator import TRIGGERS
from tracing.parsing import parse_id, parse_uuid
from tracing.vocabulary import RESULTS

FILTERED: Final = ("result__exact", "trigger__exact", "transient__exact", "skip_reason", "fault", "waited")
# A range of ids of this length is read to its end, whatever the other filters are.
SHORT: Final = timedelta(days=2)


class AttemptDayFilter(DayByIdFilter):
    column = "started_at"


@admin.register(Attempt)
class AttemptAdmin(NamingAdmin):
    workspace_path = "destination_workspace_id"
    list_display = (
        "id",
        "lead",
        "number",
        "why",
        "outcome",
        "test",
        "reason",
        "started",
        "took",
        "due_again",
    )
    list_filter = (
        *(WorkspaceFilter, "result", "trigger", "transient", "is_test", LeadReasonFilter, FaultFilter),
        *(WaitedFilter, AttemptDayFilter, HoursFilter),
    )
    scan_time = "started_at"
    empty_list_text = "Attempts appear here once a lead is tried."
    search_help_text = "An attempt's id, or a lead's numeric id."
    exact_searches = {"pk": parse_uuid, "lead_id": parse_id}
    fields = (
        *(
            "id",
            "lead",
            "number",
            "why",
            "outcome",
            "reason_display",
            "transient",
            "is_test",
            "next_attempt_at",
        ),
        *("source_workspace", "route_taken", "rule", "destination_workspace", "first_lead"),
        *("campaign", "config_version"),
        *("started_at", "finished_at", "took", "worker", "pretty_facts"),
    )
    readonly_fields = (
        *("lead", "why", "outcome", "reason_display", "took", "pretty_facts"),
        *("source_workspace", "route_taken", "rule", "destination_workspace", "first_lead", "campaign"),
    )
    named = {
        "source_workspace_id": "routing.workspace",
        "rule_id": "routing.routingrule",
        "destination_workspace_id": "routing.workspace",
        "campaign_id": "distribution.campaign",
    }
    source_workspace = named_field("source_workspace_id", label="received by")
    rule = named_field("rule_id", label="routing rule")
    destination_workspace = named_field("destination_workspace_id", label="decided in")
    campaign = named_field("campaign_id", label="campaign")
    first_lead = lead_column("first_lead_id", label="first lead of a duplicate")
    lead = lead_column()
    why = word_column("trigger", words=TRIGGERS)
    outcome = word_column("result", words=RESULTS)
    reason = reason_column()
    reason_display = reason_field()
    took = duration_column()
    test = test_column()
    started = time_column("started_at")
    due_again = time_column("next_attempt_at", label="due again")
    pretty_facts = readable_json("facts")

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        row = super().get_object(request, object_id, from_field)
        if row is not None and row.route:
            places = {place for start, _, end in row.route for place in (start, end)}
            row.place_names = self.find_names(request, "routing.workspace", places)
            row.rule_names = self.find_names(
                request, "routing.routingrule", {rule for _, rule, _ in row.route}
            )
        return row

    @admin.display(description="route")
    def route_taken(self, row: Attempt) -> SafeString | str:
        """One line for each step: from workspace, to workspace, by which rule."""
        steps = [
            (row.place_names[start], row.place_names[end], row.rule_names[rule])  # type: ignore[attr-defined]
            for start, rule, end in row.route
        ]
        return format_html_join("", "<div>{} → {} by {}</div>", steps) or NOTHING

    def scan_limit(
        self,
        asked: Mapping[str, str],
        *,
        ids: Sequence[int] | None,  # noqa: ARG002 - a workspace has no index of these either
    ) -> int | None:
        """None of these has an index, which every attempt would pay for."""
        is_filtered = any(asked.get(name) for name in FILTERED) or asked.get("is_test__exact") == "1"
        hours = parse_hours(asked.get("hours", ""))
        is_short = asked.get("day") or (hours is not None and hours[1] - hours[0] <= SHORT)
        return MAX_SCANNED if is_filtered and not is_short else None

"""Attempts: one run of the engine over one lead."""

from django.contrib import admin

from tracing.admin.filters import LeadReasonFilter
from tracing.admin.readonly import ReadOnlyAdmin, pretty_json
from tracing.models import Attempt
from tracing.parsing import parse_id, parse_uuid


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    workspace_path = "destination_workspace_id"
    list_display = (
        *("id", "lead_id", "number", "trigger", "result", "skip_reason", "transient"),
        *("campaign_id", "config_version", "started_at", "duration_ms", "next_attempt_at"),
    )
    list_filter = ("result", "trigger", "transient", LeadReasonFilter, "started_at")
    search_help_text = "An attempt's id, or a lead's numeric id."
    exact_searches = {"pk": parse_uuid, "lead_id": parse_id}
    fields = (
        *("id", "lead_id", "number", "trigger", "result", "skip_reason", "transient", "next_attempt_at"),
        *("source_workspace_id", "rule_id", "route", "destination_workspace_id", "first_lead_id"),
        *("campaign_id", "config_version"),
        *("started_at", "finished_at", "duration_ms", "worker", "pretty_facts"),
    )
    readonly_fields = ("pretty_facts",)
    pretty_facts = pretty_json("facts")

"""The read-only list and page of leads. Distribution registers them with traces and actions."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, TypeAlias

from django.contrib import admin
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from routing.admin.filters import LateFilter, LeadDayFilter, PausedFilter
from routing.intake.corrections import describe_note
from routing.intake.identity import identify
from routing.leads.status_words import describe_status
from routing.models import Lead
from routing.values.normalize import FieldError, normalize_email, normalize_phone
from tracing.admin.columns import TEST_BADGE, badge, id_column, reason_column, reason_field, time_column
from tracing.admin.filters import LeadReasonFilter
from tracing.admin.keyset import MAX_SCANNED
from tracing.admin.readonly import ReadOnlyAdmin, pretty_json
from tracing.parsing import parse_id, parse_text, parse_uuid

Fieldsets: TypeAlias = tuple[tuple[str | None, Any], ...]
# Leads of which each is looked up in the attempts.
LOOKED_UP: Final = 5_000
CONTACT: Final = (
    "first_name",
    "last_name",
    "email",
    "phone",
    "phone_extension",
    "address",
    "zip",
    "city",
    "county",
    "state",
    "country",
)


def hash_typed_email(text: str) -> str | None:
    try:
        return identify(email=normalize_email(text), phone=None).email_hash
    except FieldError:
        return None


def hash_typed_phone(text: str) -> str | None:
    try:
        return identify(email=None, phone=normalize_phone(text)).phone_hash
    except FieldError:
        return None


class LeadAdmin(ReadOnlyAdmin):
    """The search finds a person by email or phone in any spelling, through the identity hashes."""

    has_history = True
    workspace_path = "workspace"
    list_display = ("short_id", "state_now", "reason", "wanted", "received", "came_from")
    list_filter: ClassVar[tuple[Any, ...]] = (
        "status",
        "is_test",
        LeadReasonFilter,
        LeadDayFilter,
        PausedFilter,
        LateFilter,
        "workspace",
    )
    scan_time = "received_at"
    empty_list_text = "Leads are received from sources. Add a source, issue a key, and send the first lead."
    list_select_related = ("workspace", "source")
    search_help_text = "Public id, numeric id, external id, email address or phone number."
    exact_searches = {
        "public_id": parse_uuid,
        "pk": parse_id,
        "external_id": parse_text,
        "email_hash": hash_typed_email,
        "phone_hash": hash_typed_phone,
    }
    fieldsets: ClassVar[Fieldsets] = (
        (
            None,
            {
                "fields": (
                    *("state_now", "paused_at", "reason_display", "cancel_reason"),
                    *("attempts", "next_attempt_at", "received_at", "finished_at", "expires_at"),
                )
            },
        ),
        (
            "Origin",
            {
                "fields": (
                    *("workspace", "source", "source_workspace", "vertical", "public_id", "external_id"),
                    *("is_test", "corrected_at_intake"),
                )
            },
        ),
        ("Contact", {"fields": (*CONTACT, "pretty_attributes", "pretty_consent")}),
    )
    readonly_fields: ClassVar[tuple[str, ...]] = (
        *("state_now", "reason_display", "corrected_at_intake", "pretty_attributes", "pretty_consent"),
    )
    short_id = id_column()
    reason = reason_column()
    received = time_column("received_at")
    reason_display = reason_field(label="reason of the last attempt")
    pretty_attributes = pretty_json("attributes")
    pretty_consent = pretty_json("consent")

    def scan_limit(self, asked: Mapping[str, str], *, ids: Sequence[int] | None) -> int | None:
        """Neither a reason alone nor a campaign has an index; in some workspaces or on a day they are few."""
        if ids is not None or asked.get("day"):
            return None
        if asked.get("campaign"):
            return LOOKED_UP
        return MAX_SCANNED if asked.get("skip_reason") else None

    @admin.display(description="status")
    def state_now(self, lead: Lead) -> SafeString:
        """With the time for which a lead waits."""
        shown = badge(describe_status(lead.status, reason=lead.skip_reason), code=lead.status)
        if lead.is_test:
            shown = format_html("{} {}", shown, TEST_BADGE)
        if lead.paused_at is not None:
            return format_html('{} <span class="admin-badge" data-tone="wait">paused</span>', shown)
        if lead.next_attempt_at is None:
            return shown
        return format_html(
            '{} <small class="admin-under">{}</small>',
            shown,
            date_format(lead.next_attempt_at, "DATETIME_FORMAT"),
        )

    @admin.display(description="corrected at intake")
    def corrected_at_intake(self, lead: Lead) -> str:
        return "; ".join(map(describe_note, lead.intake_notes)) or "-"

    @admin.display(description="lead")
    def wanted(self, lead: Lead) -> str:
        return f"{lead.vertical}, {lead.zip} {lead.state}".strip()

    @admin.display(description="from")
    def came_from(self, lead: Lead) -> SafeString:
        return format_html('{} <small class="admin-under">{}</small>', lead.source.name, lead.workspace)

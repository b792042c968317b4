"""The retry queue: leads that were tried and are due again, the soonest first. A list alone; a row leads to its lead.

Distribution registers it with what an operator may do.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from routing.admin.filters import DueFilter, PausedFilter, WaitingReasonFilter
from routing.admin.lead import LeadAdmin
from routing.models import RetryingLead
from tracing.admin.columns import TEST_BADGE, describe_id
from tracing.admin.keyset import KeysetChangeList
from tracing.admin.readonly import ReadOnlyAdmin
from tracing.parsing import parse_id
from tracing.skip_reasons import SKIP_REASONS
from tracing.wording import count

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
LATEST: Final = (datetime.max.replace(tzinfo=UTC) - EPOCH) // MICROSECOND


class DueChangeList(KeysetChangeList):
    """In due order, through the index (next_attempt_at, id) of the retry queue. A key is both: microseconds-id."""

    first_label, back_label, on_label = "Soonest", "Sooner", "Later"

    def get_ordering(self, request: HttpRequest, queryset: Any) -> list[Any]:  # noqa: ARG002
        return ["next_attempt_at", "pk"]

    def read_key(self, model: Any, text: str) -> tuple[datetime, int] | None:  # noqa: ARG002
        first, _, second = text.partition("-")
        microseconds, row_id = parse_id(first), parse_id(second)
        if microseconds is None or row_id is None or microseconds > LATEST:
            return None
        return EPOCH + microseconds * MICROSECOND, row_id

    def key_of(self, row: Any) -> str:
        return f"{(row.next_attempt_at - EPOCH) // MICROSECOND}-{row.pk}"

    def before(self, rows: Any, key: tuple[datetime, int]) -> Any:
        at, row_id = key
        sooner = rows.filter(next_attempt_at__lte=at).exclude(next_attempt_at=at, pk__gte=row_id)
        return sooner.order_by("-next_attempt_at", "-pk")

    def after(self, rows: Any, key: tuple[datetime, int]) -> Any:
        at, row_id = key
        return rows.filter(next_attempt_at__gte=at).exclude(next_attempt_at=at, pk__lte=row_id)


class RetryQueueAdmin(ReadOnlyAdmin):
    workspace_path = "workspace"
    list_display = ("lead", "due", "next_try", "last_attempt", "tries", "workspace")
    list_display_links = None
    list_filter: ClassVar[tuple[Any, ...]] = (DueFilter, WaitingReasonFilter, PausedFilter, "workspace")
    list_select_related = ("workspace",)
    empty_list_text = "No leads are waiting for a retry."
    search_help_text = LeadAdmin.search_help_text
    exact_searches = LeadAdmin.exact_searches

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[ChangeList]:  # noqa: ARG002
        return DueChangeList

    def get_urls(self) -> list[URLPattern]:
        return [
            path("", self.admin_site.admin_view(self.changelist_view), name="routing_retryinglead_changelist")
        ]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return request.user.has_perm("routing.view_lead")

    @admin.display(description="lead")
    def lead(self, lead: RetryingLead) -> SafeString:
        url = reverse("admin:routing_lead_change", args=[lead.pk])
        link = format_html('<a href="{}">{}</a>', url, describe_id(lead.public_id))
        return format_html("{} {}", link, TEST_BADGE) if lead.is_test else link

    @admin.display(description="due")
    def due(self, lead: RetryingLead) -> datetime | None:
        return lead.next_attempt_at

    @admin.display(description="next try")
    def next_try(self, lead: RetryingLead) -> str:
        if lead.paused_at is not None:
            return "when it is resumed"
        if lead.workspace.paused_at is not None:
            return "when its workspace is resumed"
        return wait_in_words(lead, at=timezone.now())

    @admin.display(description="last attempt")
    def last_attempt(self, lead: RetryingLead) -> str:
        reason = SKIP_REASONS.get(lead.skip_reason)
        return lead.skip_reason if reason is None else reason.sentence

    @admin.display(description="attempts")
    def tries(self, lead: RetryingLead) -> str:
        """All of them, and those in a row that count toward an end: "7 (failed 2 of 3)"."""
        parts = []
        if lead.errors:
            parts.append(f"failed {lead.errors} of {lead.workspace.max_attempts}")
        if lead.conflicts:
            parts.append(f"busy {lead.conflicts} of {settings.LEADSWITCH_TRANSIENT_MAX_ATTEMPTS}")
        return f"{lead.attempts} ({', '.join(parts)})" if parts else str(lead.attempts)


def wait_in_words(lead: RetryingLead, *, at: datetime) -> str:
    due_at = lead.next_attempt_at
    if due_at is None or due_at <= at:
        return "now"
    if due_at >= lead.expires_at:
        return "never (expires first)"
    minutes = -((at - due_at) // timedelta(minutes=1))
    if minutes <= 90:
        return f"in {count(minutes, 'minute')}"
    hours = round(minutes / 60)
    return f"in {count(hours, 'hour')}" if hours <= 36 else f"in {count(round(hours / 24), 'day')}"

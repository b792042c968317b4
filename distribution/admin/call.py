"""Every call: when it was placed, what the carrier said, what it came to, and its recording. No phone number."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from distribution.admin.call_recording import CallRecordingAdmin
from distribution.admin.lead_search import find_leads
from distribution.models import (
    Call,
    CallEvent,
    CallKind,
    CallOutcome,
    CallState,
    CarrierAccount,
    Channel,
    DialOutcome,
)
from tracing.admin.columns import NOTHING, badge, story_list, time_column, word_column
from tracing.admin.days import DayByCreationFilter
from tracing.admin.filters import WorkspaceFilter
from tracing.admin.keyset import MAX_SCANNED
from tracing.admin.readonly import VocabularyFilter
from tracing.admin.scope import visible_ids
from tracing.call_events import ENDED_BY, describe_call_event, name_call
from tracing.call_problems import describe_problem
from tracing.parsing import parse_id, parse_text, parse_uuid
from tracing.wording import local_second, moment, sentence, short_id, span

MAX_CHOICES: Final = 200
STATES: Final[Mapping[Any, str]] = dict(CallState.choices)
OUTCOMES: Final[Mapping[Any, str]] = dict(CallOutcome.choices)
SHORT_OUTCOMES: Final[Mapping[Any, str]] = {
    **OUTCOMES,
    "opted_out": "no more calls",
    "no_input": "no key pressed",
    "invalid_phone": "invalid number",
}
TONES: Final = {
    "confirmed": "success",
    **dict.fromkeys(("declined", "opted_out", "invalid_phone", "failed", "not_placed"), "failed"),
    **dict.fromkeys(("busy", "no_answer", "voicemail", "no_input"), "retry"),
}
MICROS: Final = 1_000_000


class CallStateFilter(VocabularyFilter):
    title = "state"
    parameter_name = "state"
    values = tuple(CallState)
    words = STATES


class CallOutcomeFilter(VocabularyFilter):
    title = "outcome"
    parameter_name = "outcome"
    values = tuple(each for each in CallOutcome if each)
    words = SHORT_OUTCOMES


class ChannelFilter(admin.SimpleListFilter):
    title = "channel"
    parameter_name = "channel"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        channels, ids = Channel.objects.order_by("name"), visible_ids(request)
        if ids is not None:
            channels = channels.filter(workspace_id__in=ids)
        return [(str(pk), name) for pk, name in channels.values_list("pk", "name")[:MAX_CHOICES]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        value = self.value()
        return queryset.filter(channel_id=parse_id(value) or 0) if value else queryset


@admin.register(Call)
class CallAdmin(CallRecordingAdmin):
    workspace_path = "workspace"
    list_display = (
        *("created", "lead_link", "number", "channel_name", "state_shown", "outcome_shown"),
        *("lasted", "cost"),
    )
    list_filter = (CallStateFilter, CallOutcomeFilter, DayByCreationFilter, ChannelFilter, WorkspaceFilter)
    list_select_related = ("workspace", "channel", "lead__source", "verification")
    scan_time = "created_at"
    search_help_text = "Public id of a lead or of a call, or the carrier's id of a call."
    empty_list_text = (
        "People whose leads must be verified are called over its channels. The calls are listed here."
    )
    fields = (
        *("public_id", "kind", "lead_link", "verification_link", "number", "channel_link"),
        *("state_shown", "outcome_shown", "placing", "key", "answered_by", "recording"),
        *("created", "dialed", "ringing", "answered", "ended", "lasted"),
        *("cost", "carrier_sid", "told_by", "asked_next", "story"),
    )
    readonly_fields = (
        *("lead_link", "verification_link", "channel_link", "state_shown", "outcome_shown", "placing"),
        *("created", "dialed", "ringing", "answered", "ended", "lasted", "cost", "told_by", "asked_next"),
        *("recording", "story"),
    )
    created = time_column("created_at", label="created")
    state_shown = word_column("state", words=STATES)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Of a test call, the number that was typed is not read."""
        return super().get_queryset(request).defer("test_phone", "phone_hash")

    def scan_limit(self, asked: Mapping[str, str], *, ids: Sequence[int] | None) -> int | None:  # noqa: ARG002
        """Neither outcomes nor states have an index; those of a day are few."""
        is_filtered = asked.get("outcome") or asked.get("state")
        return MAX_SCANNED if is_filtered and not asked.get("day") else None

    def find_named(self, text: str, *, request: HttpRequest) -> Q:
        """By the id of the lead, looked up first, or of the call; or the carrier's, by an index of its account."""
        public_id = parse_uuid(text)
        if public_id is None:
            sid = parse_text(text)
            return Q(account__in=_list_accounts(request), carrier_sid=sid) if sid else Q(pk__in=[])
        leads = find_leads(public_id)
        return Q(lead_id__in=leads) if leads else Q(public_id=public_id)

    def title_of(self, row: Call) -> str:
        if row.lead is None:
            return f"Test call over {row.channel}, {moment(row.created_at)}"
        name = name_call(row.number, outcome=row.outcome)
        return f"{name} for lead {short_id(row.lead.public_id)}, {moment(row.created_at)}"

    @admin.display(description="lead")
    def lead_link(self, call: Call) -> SafeString | str:
        if call.lead is None:
            return CallKind.TEST.label
        url = reverse("admin:routing_lead_change", args=[call.lead_id])
        return format_html('<a href="{}">{}</a>', url, short_id(call.lead.public_id))

    @admin.display(description="verification")
    def verification_link(self, call: Call) -> SafeString | str:
        if call.verification_id is None:
            return NOTHING
        url = reverse("admin:distribution_verification_change", args=[call.verification_id])
        return format_html('<a href="{}">its whole story</a>', url)

    @admin.display(description="channel")
    def channel_name(self, call: Call) -> str:
        return str(call.channel)

    @admin.display(description="channel")
    def channel_link(self, call: Call) -> SafeString:
        url = reverse("admin:distribution_channel_change", args=[call.channel_id])
        return format_html('<a href="{}">{}</a>', url, call.channel)

    @admin.display(description="outcome")
    def outcome_shown(self, call: Call) -> SafeString | str:
        if not call.outcome:
            return NOTHING
        return badge(SHORT_OUTCOMES[call.outcome], code=TONES.get(call.outcome, call.outcome))

    @admin.display(description="placing it")
    def placing(self, call: Call) -> str:
        placed = sentence(DialOutcome(call.dial).label)
        why = describe_problem(call.dial_problem, code=call.dial_code) if call.dial_problem else ""
        return f"{placed} {why}".rstrip()

    @admin.display(description="lasted")
    def lasted(self, call: Call) -> str:
        return NOTHING if call.duration_seconds is None else span(call.duration_seconds)

    @admin.display(description="cost")
    def cost(self, call: Call) -> str:
        if call.cost_micros is None:
            return NOTHING
        return f"{call.cost_micros / MICROS:.4f} {call.cost_currency}".strip()

    @admin.display(description="how the end is known")
    def told_by(self, call: Call) -> str:
        if call.ended_at is None:
            return NOTHING
        return sentence(ENDED_BY.get(call.ended_by) or "the carrier reported it")

    @admin.display(description="the carrier is asked next")
    def asked_next(self, call: Call) -> str:
        return _when(call.next_check_at, call)

    @admin.display(description="dialed")
    def dialed(self, call: Call) -> str:
        return _when(call.dialed_at, call)

    @admin.display(description="rang")
    def ringing(self, call: Call) -> str:
        return _when(call.ringing_at, call)

    @admin.display(description="answered")
    def answered(self, call: Call) -> str:
        return _when(call.answered_at, call)

    @admin.display(description="ended")
    def ended(self, call: Call) -> str:
        return _when(call.ended_at, call)

    @admin.display(description="story")
    def story(self, call: Call) -> SafeString | str:
        events = CallEvent.objects.filter(call_id=call.pk).order_by("pk")
        lines = [
            (_when(each.at, call), describe_call_event(each.code, each.data, channel=call.channel.name), "")
            for each in events
        ]
        return story_list(lines, name="call-story")


def _list_accounts(request: HttpRequest) -> list[int]:
    accounts, ids = CarrierAccount.objects.values_list("pk", flat=True), visible_ids(request)
    return list(accounts if ids is None else accounts.filter(workspace__in=ids))


def _when(at: datetime | None, call: Call) -> str:
    """Also in the time zone of its workspace."""
    return NOTHING if at is None else local_second(at, timezone=call.workspace.timezone)

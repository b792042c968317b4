"""Channels: phone numbers with lines, over which people are called. What is in use, what waits, and the switches."""

from datetime import timedelta
from typing import Any, ClassVar, Final

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms import Script
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from distribution.admin.channel_state import MAX_COUNTED, draw_lines, read_lines, with_figures
from distribution.admin.switches import Switch, SwitchesAdmin
from distribution.admin.trace_view import FRAGMENT_HEADER
from distribution.calls.dialing import dial
from distribution.calls.switching import (
    SwitchRefused,
    disable_by_hand,
    enable_by_hand,
    flag_by_hand,
    unflag_by_hand,
)
from distribution.calls.trial_call import CallRefused, begin_test_call
from distribution.explain.call_doubt import describe_doubt, is_in_doubt
from distribution.models import Call, CallState, Channel
from routing.admin.configuration import ConfigurationAdmin
from routing.conditions.rewriting import rewrite_timezone
from routing.values.normalize import FieldError, normalize_phone
from routing.values.opening_hours import describe_hours
from tracing.admin.audited import REASON
from tracing.admin.columns import NOTHING, badge, time_column
from tracing.admin.confirming import ReasonForm
from tracing.call_problems import describe_problem
from tracing.wording import count, moment, span

CHANGE: Final = "distribution.change_channel"
VIEW: Final = "distribution.view_channel"
HOURS_SHOWN: Final = 24
_LIVE: Final = forms.Media(js=[Script("leadswitch/dispatch.js", defer=True)])  # type: ignore[list-item]  # not in the stubs
OF_CALLS: Final = "distribution.view_call"


def _enable(channel: Channel, form: ReasonForm, actor: str) -> str:
    enable_by_hand(channel.pk, actor=actor, reason=form.cleaned_data["reason"])
    return f"{channel} is enabled. Leads that waited for a channel are due now."


def _disable(channel: Channel, form: ReasonForm, actor: str) -> str:
    disable_by_hand(channel.pk, actor=actor, reason=form.cleaned_data["reason"])
    return f"{channel} is disabled."


def _flag(channel: Channel, form: ReasonForm, actor: str) -> str:
    flag_by_hand(channel.pk, at=timezone.now(), actor=actor, reason=form.cleaned_data["reason"])
    return f"{channel} is flagged: no call goes out over it."


def _unflag(channel: Channel, form: ReasonForm, actor: str) -> str:
    unflag_by_hand(channel.pk, actor=actor, reason=form.cleaned_data["reason"])
    return f"{channel} is not flagged any more. Leads that waited for a channel are due now."


class TestCallForm(ReasonForm):
    """The phone is stored with the call until it has ended, and shown nowhere."""

    __test__ = False  # no test of pytest
    field_order = ("phone", "reason")
    phone = forms.CharField(
        label="Phone to call",
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="A phone of your own, e.g. 404 555 0123. It rings as soon as the carrier takes the call.",
    )

    def clean_phone(self) -> str:
        try:
            phone = normalize_phone(self.cleaned_data["phone"])
        except FieldError as error:
            raise ValidationError(f"This {error.message}.") from None
        return phone or ""


def _test(channel: Channel, form: ReasonForm, actor: str) -> str:
    """The carrier is asked outside a transaction."""
    typed = form.cleaned_data
    begun = begin_test_call(channel.pk, typed["phone"], actor, reason=typed["reason"])
    dial(begun)
    call = Call.objects.get(pk=begun.call_id)
    url = reverse("admin:distribution_call_change", args=[call.pk])
    if call.ended_at is not None:
        text = '<a href="{}">The test call</a> was not placed. {}'
        return format_html(
            text, url, describe_problem(call.dial_problem or call.outcome, code=call.dial_code)
        )
    return format_html('<a href="{}">The test call</a> is out. Its page shows what happens.', url)


def _describe_open(channel: Channel) -> list[str]:
    used = Call.objects.filter(channel=channel, ended_at__isnull=True).count()
    return [f"{count(used, 'call is', 'calls are')} out over it now, and will not be ended."] if used else []


SWITCHES: Final = {
    "test": Switch(
        "Test call",
        "A call goes out over this channel now, and takes a line until it has ended. The carrier charges it. The "
        "person who answers hears that it is a test.",
        CHANGE,
        _test,
        lambda row: "" if row.is_enabled and row.flagged_at is None else "it is disabled or flagged",
        errors=(CallRefused,),
        form=TestCallForm,
    ),
    "disable": Switch(
        "Disable",
        "No call goes out over this number. Leads wait for another channel of the workspace, or until it is enabled.",
        CHANGE,
        _disable,
        lambda row: "" if row.is_enabled else "it is disabled already",
        errors=(SwitchRefused,),
        describe=_describe_open,
    ),
    "enable": Switch(
        "Enable",
        "Calls go out over this number again, within its hours and those of the law.",
        CHANGE,
        _enable,
        lambda row: "it is enabled already" if row.is_enabled else "",
        errors=(SwitchRefused,),
    ),
    "flag": Switch(
        "Mark as flagged",
        "Do this if phones show this number as spam. No call goes out over it until the mark is removed.",
        CHANGE,
        _flag,
        lambda row: "" if row.flagged_at is None else "it is flagged already",
        errors=(SwitchRefused,),
        describe=_describe_open,
    ),
    "unflag": Switch(
        "Remove the flag",
        "Calls go out over this number again. Check first at the carrier, and with a call of your own, that phones "
        "show it as a good number.",
        CHANGE,
        _unflag,
        lambda row: "it is not flagged" if row.flagged_at is None else "",
        errors=(SwitchRefused,),
    ),
}


@admin.register(Channel)
class ChannelAdmin(SwitchesAdmin, ConfigurationAdmin):
    switches = SWITCHES
    workspace_path = "workspace"
    owner_fields = ("workspace", "account", "number")
    list_display = (
        "name",
        "workspace",
        "number",
        "short_state",
        "in_use",
        "queue",
        "oldest_wait",
        "last_dialed",
    )
    list_filter = ("is_enabled", "account", "workspace")
    list_select_related = ("workspace", "account__workspace")
    search_fields = ("name", "number")
    ordering = ("workspace__name", "name")
    autocomplete_fields = ("workspace", "account")
    empty_list_text = (
        "Leads of campaigns with verification wait here until there is a number to call from. Add a carrier account "
        "first, then a channel for each of its numbers."
    )
    instead_of_deleting = "Disable them instead. Their calls are kept."
    readonly_fields = ("standing", "in_use", "queue", "oldest_wait", "last_dialed", "public_id", "created_at")
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("workspace", "account", "name", "number", "standing")}),
        ("Now", {"fields": ("in_use", "queue", "oldest_wait", "last_dialed")}),
        ("How much it calls", {"fields": ("lines", "calls_per_minute")}),
        ("When and whom it calls", {"fields": ("timezone", "hours", "area_codes")}),
        (None, {"fields": ("public_id", "created_at", REASON)}),
    )
    describers = {"hours": describe_hours}
    rewriters = {"timezone": rewrite_timezone}
    last_dialed = time_column("last_dialed_at", label="last call")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Nothing is decrypted."""
        secrets = ("account__auth_token", "account__previous_token", "account__signing_key")
        return with_figures(super().get_queryset(request)).defer(*secrets)

    @admin.display(description="state")
    def short_state(self, channel: Channel) -> SafeString:
        """Lists have no room for the reason: the page of the channel gives it."""
        if channel.flagged_at is not None:
            return badge("flagged", code="failed")
        if not channel.is_enabled:
            return badge("disabled", code="held")
        if channel.account.stopped_at is not None or not channel.account.is_enabled:
            return badge("account stopped", code="failed")
        is_paused = channel.workspace.paused_at is not None
        return badge("paused", code="held") if is_paused else badge("calls", code="success")

    @admin.display(description="state")
    def standing(self, channel: Channel) -> SafeString:
        if channel.flagged_at is not None:
            return badge(f"flagged on {moment(channel.flagged_at)}: {channel.flag_reason}", code="failed")
        if not channel.is_enabled:
            return badge("disabled", code="held")
        if channel.account.stopped_at is not None or not channel.account.is_enabled:
            return badge("its carrier account is stopped", code="failed")
        if channel.workspace.paused_at is not None:
            return badge("its workspace is paused", code="held")
        return badge("calls", code="success")

    @admin.display(description="lines in use")
    def in_use(self, channel: Any) -> str:
        return f"{channel.used} of {channel.lines}"

    @admin.display(description="leads due")
    def queue(self, channel: Any) -> str:
        """Of its workspace: any of its channels may take them."""
        return f"{channel.waiting:,}" if channel.waiting < MAX_COUNTED else f"{MAX_COUNTED:,} or more"

    @admin.display(description="waited")
    def oldest_wait(self, channel: Any) -> str:
        if channel.oldest is None:
            return NOTHING
        return span(max(0.0, (timezone.now() - channel.oldest).total_seconds()))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.show_lines)
        return [path("<path:object_id>/lines/", view, name="distribution_channel_lines"), *super().get_urls()]

    def list_buttons(self, request: HttpRequest, row: Any) -> list[dict[str, str]]:
        url = reverse("admin:distribution_channel_lines", args=[row.pk])
        lines = [{"title": "Open calls and lines", "url": url}] if request.user.has_perm(OF_CALLS) else []
        return [*lines, *super().list_buttons(request, row)]

    def show_lines(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The open calls, which a script refreshes (FRAGMENT_HEADER), and the lines in use by hour."""
        self.require(OF_CALLS, request=request)
        channel = self.get_object(request, object_id)
        if channel is None:
            raise Http404
        context = {"at": timezone.now(), "channel": channel, "calls": _list_open(channel), "page": self}
        if request.headers.get(FRAGMENT_HEADER):
            return TemplateResponse(request, "admin/distribution/channel/open_calls.html", context)
        end = timezone.now()
        start = (end - timedelta(hours=HOURS_SHOWN - 1)).replace(minute=0, second=0, microsecond=0)
        figures = read_lines(channel.pk, start=start, end=end)
        charts = (
            [draw_lines(figures.by_hour, start=start, end=end, lines=channel.lines)]
            if figures.by_hour
            else []
        )
        context |= {
            **self.admin_site.each_context(request),
            "title": f"Open calls and lines: {channel}",
            "opts": self.opts,
            "media": self.media + _LIVE,
            "hours": HOURS_SHOWN,
            "figures": figures,
            "charts": charts,
            "data": {chart.name: chart.data for chart in charts},
            "all_calls": f"{reverse('admin:distribution_call_changelist')}?channel={channel.pk}",
            "back": reverse("admin:distribution_channel_change", args=[channel.pk]),
        }
        return TemplateResponse(request, "admin/distribution/channel/lines.html", context)


IN_DOUBT: Final = "not known whether it was placed"


def _list_open(channel: Channel) -> list[dict[str, Any]]:
    """At most as many as the most lines that a channel may have."""
    calls = (
        Call.objects.filter(channel=channel, ended_at__isnull=True)
        .select_related("lead", "channel__workspace")
        .order_by("pk")
    )
    return [_describe_open_call(call) for call in calls[:200]]


def _describe_open_call(call: Call) -> dict[str, Any]:
    return {
        "pk": call.pk,
        "url": reverse("admin:distribution_call_change", args=[call.pk]),
        "what": "test call" if call.lead is None else format_html("try {}", call.number),
        "lead": call.lead,
        "state": badge(
            IN_DOUBT if is_in_doubt(call) else CallState(call.state).label,
            code="unknown" if is_in_doubt(call) else "calling",
        ),
        "doubt": describe_doubt(call, timezone=call.channel.workspace.timezone) if is_in_doubt(call) else "",
        "since": span((timezone.now() - call.created_at).total_seconds()),
        "hangs_up": call.hang_up_at is not None,
    }

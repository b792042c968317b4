"""When the law allows calls, by country and state. Only superusers change it: it applies to every workspace."""

import math
from collections.abc import Mapping
from typing import Any, Final

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from distribution.calls.hours.rules import count_minutes, name_area
from distribution.calls.hours.wording import format_clock
from distribution.models import CallingHours
from tracing.admin.audited import REASON, AuditedAdmin, ReasonedForm

NOT_ADVICE = (
    "The product ships these hours with their sources. They are data and no legal advice: have them checked. Of the"
    " hours of a country and a state the narrower ones count. A change applies from the next call on. Leads that wait"
    " for their hours are checked again at once."
)


WIDENED: Final = "These hours allow more calls than before. Say why, and check the source and the date."


class CallingHoursForm(ReasonedForm):
    def clean(self) -> Any:
        cleaned = super().clean()
        is_reasoned = bool(self.cleaned_data.get(REASON))
        if self.instance.pk and not is_reasoned and _is_wider(self.initial, self.cleaned_data):
            self.add_error(REASON, WIDENED)
        return cleaned


def _is_wider(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """A value that cannot be read has its own message."""
    if any(after.get(name) is None for name in ("opens", "closes")):
        return False
    is_longer = after["opens"] < before["opens"] or after["closes"] > before["closes"]
    on_more_days = any(after[name] and not before[name] for name in ("calls_on_sunday", "calls_on_holidays"))
    was, now = (each.get("most_calls_per_day") or math.inf for each in (before, after))
    return is_longer or on_more_days or now > was


@admin.register(CallingHours)
class CallingHoursAdmin(AuditedAdmin):
    form = CallingHoursForm
    list_display = (
        "place",
        "hours",
        "calls_on_sunday",
        "calls_on_holidays",
        "most_calls_per_day",
        "checked_source",
    )
    list_filter = ("country", "calls_on_sunday", "calls_on_holidays")
    search_fields = ("state",)
    ordering = ("country", "state")
    list_per_page = 100
    after_deleting = (
        "Nobody is called where these hours were the only ones, until you add others. Leads of people there that wait"
        " for a call end as not callable: they fail, are sold unverified, or go to an operator, as their campaigns say."
    )
    empty_list_text = "Nobody is called. Add the hours of a country, then those of each of its states."
    fieldsets = (
        (None, {"fields": ("country", "state"), "description": NOT_ADVICE}),
        ("Hours", {"fields": (("opens", "closes"), "calls_on_sunday", "calls_on_holidays")}),
        ("Number of calls", {"fields": ("most_calls_per_day",)}),
        ("Where this comes from", {"fields": ("source", "checked_on", REASON)}),
    )

    @admin.display(description="place", ordering="state")
    def place(self, row: CallingHours) -> str:
        name = name_area(row.country, state=row.state)
        return name if row.state else f"{name}: every state"

    @admin.display(description="source", ordering="checked_on")
    def checked_source(self, row: CallingHours) -> SafeString:
        """A long text in a narrow column."""
        return format_html(
            '<span class="admin-detail">{}, checked on {}</span>',
            row.source,
            f"{row.checked_on:%Y-%m-%d}",
        )

    @admin.display(ordering="opens")
    def hours(self, row: CallingHours) -> str:
        opens, closes = (format_clock(count_minutes(clock)) for clock in (row.opens, row.closes))
        return f"{opens} to {closes}"

    def has_module_permission(self, request: HttpRequest) -> bool:
        return _is_superuser(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return _is_superuser(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return _is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return _is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return _is_superuser(request)


def _is_superuser(request: HttpRequest) -> bool:
    return bool(request.user.is_active and request.user.is_superuser)

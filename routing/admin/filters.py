"""Filters of the list of leads. None of them reads a table to find its choices."""

from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

FIRST_YEAR: Final = 2000  # nothing is older; the hours before the first of all days cannot be told
DAYS: Final = (("today", "today"), ("yesterday", "yesterday"), ("week", "the last 7 days"))


def day_of(value: str, *, today: date) -> tuple[date, date] | None:
    """The first day and the day after the last, in UTC: "today", "yesterday", "week" or 2026-11-22."""
    tomorrow = today + timedelta(days=1)
    named = {"today": today, "yesterday": today - timedelta(days=1), "week": today - timedelta(days=6)}
    if value in named:
        return named[value], today if value == "yesterday" else tomorrow
    try:
        chosen = date.fromisoformat(value)
        return (chosen, chosen + timedelta(days=1)) if chosen.year >= FIRST_YEAR else None
    except (ValueError, OverflowError):
        return None


class DayFilter(admin.SimpleListFilter):
    """`?day=2026-11-22` shows any day (UTC)."""

    title = "day it came in (UTC)"
    parameter_name = "day"
    column = "received_at"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        typed = request.GET.get("day", "")
        shown = [*DAYS]
        if typed not in dict(DAYS) and day_of(typed, today=timezone.now().date()):
            shown.append((typed, typed))
        return shown

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        value = self.value()
        days = day_of(value, today=timezone.now().date()) if value else None
        if days is None:
            return queryset.none() if value else queryset
        first, end = (datetime(each.year, each.month, each.day, tzinfo=UTC) for each in days)
        return self.of_days(queryset, first=first, end=end)

    def of_days(self, queryset: QuerySet[Any], *, first: datetime, end: datetime) -> QuerySet[Any]:
        return queryset.filter(**{f"{self.column}__gte": first, f"{self.column}__lt": end})


class PausedFilter(admin.SimpleListFilter):
    title = "paused"
    parameter_name = "paused"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        return [("yes", "paused"), ("no", "not paused")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        value = self.value()
        return queryset.filter(paused_at__isnull=value == "no") if value in ("yes", "no") else queryset

"""Filters of lists by a day (UTC)."""

from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar, Final
from uuid import UUID

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

FIRST_YEAR: Final = 2000  # nothing is older, and datetime cannot represent the hours before year 1
TODAY: Final = ("today", "today")
YESTERDAY: Final = ("yesterday", "yesterday")
WEEK: Final = ("week", "the last 7 days")
# An id is made by a process's clock, a time by the database's; a transaction between them is over within seconds.
APART: Final = timedelta(hours=1)


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
    days: ClassVar[tuple[tuple[str, str], ...]] = (TODAY, YESTERDAY, WEEK)

    def lookups(
        self,
        request: HttpRequest,
        model_admin: Any,  # noqa: ARG002 - the signature is Django's
    ) -> list[tuple[str, str]]:
        typed = request.GET.get("day", "")
        shown = [*self.days]
        if typed not in dict(self.days) and day_of(typed, today=timezone.now().date()):
            shown.append((typed, dict([WEEK]).get(typed, typed)))
        return shown

    def queryset(
        self,
        request: HttpRequest,  # noqa: ARG002 - the signature is Django's
        queryset: QuerySet[Any],
    ) -> QuerySet[Any]:
        value = self.value()
        days = day_of(value, today=timezone.now().date()) if value else None
        if days is None:
            return queryset.none() if value else queryset
        first, end = (datetime(each.year, each.month, each.day, tzinfo=UTC) for each in days)
        return self.of_days(queryset, first=first, end=end)

    def of_days(self, queryset: QuerySet[Any], *, first: datetime, end: datetime) -> QuerySet[Any]:
        return queryset.filter(**{f"{self.column}__gte": first, f"{self.column}__lt": end})


class DayByIdFilter(DayFilter):
    """For rows whose `id_column` is a UUID of version 7: a day is a range of ids, and only that is read."""

    title = "day (UTC)"
    id_column = "pk"
    days = (TODAY, YESTERDAY)

    def of_days(self, queryset: QuerySet[Any], *, first: datetime, end: datetime) -> QuerySet[Any]:
        bounds = {
            f"{self.id_column}__gte": first_id_at(first - APART),
            f"{self.id_column}__lt": first_id_at(end + APART),
        }
        return super().of_days(queryset, first=first, end=end).filter(**bounds)


class DayByCreationFilter(DayFilter):
    """For rows with ids from a sequence, and an index of `column`, the time of their creation.

    A row's time is when its transaction began, and its id was taken at most APART later. So a day falls between two
    ids, and its list reads nothing beyond them.
    """

    title = "day (UTC)"
    column = "created_at"

    def of_days(self, queryset: QuerySet[Any], *, first: datetime, end: datetime) -> QuerySet[Any]:
        rows = queryset.model._default_manager.order_by()
        before = rows.filter(**{f"{self.column}__lt": first - APART}).order_by(f"-{self.column}")
        after = rows.filter(**{f"{self.column}__gte": end + APART}).order_by(self.column)
        bounds = Q()
        if (last_before := before.values_list("pk", flat=True).first()) is not None:
            bounds &= Q(pk__gt=last_before)
        if (first_after := after.values_list("pk", flat=True).first()) is not None:
            bounds &= Q(pk__lt=first_after)
        return super().of_days(queryset, first=first, end=end).filter(bounds)


def first_id_at(at: datetime) -> UUID:
    """No UUID of version 7 that is made at this instant or later is smaller."""
    return UUID(int=max(0, int(at.timestamp() * 1000)) << 80)

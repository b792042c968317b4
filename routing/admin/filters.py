"""Filters of the list of leads. None of them reads a table to find its choices."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import F, Max, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from routing.models import Lead, Workspace
from tracing.admin.days import APART, DayFilter, first_id_at
from tracing.admin.filters import LeadReasonFilter
from tracing.admin.scope import visible_ids


class LeadDayFilter(DayFilter):
    """A list that goes by id would read every later lead before it came to an old day, so a day is a range of ids.

    Nothing is received before it is written. Imported leads may have been received long before.
    """

    def of_days(self, queryset: QuerySet[Any], *, first: datetime, end: datetime) -> QuerySet[Any]:
        earlier = Lead.objects.filter(public_id__lt=first_id_at(first - APART)).order_by("-public_id")
        # Not the id of the day's first lead: of two leads that arrive together, either may have the lower id.
        last_before = earlier.values_list("pk", flat=True).first() or 0
        within = super().of_days(queryset.filter(pk__gt=last_before), first=first, end=end)
        return within if end > timezone.now() else within.filter(pk__lte=self._find_last(first, end))

    def _find_last(self, first: datetime, end: datetime) -> int:
        """One range of the index (workspace, -received_at) for each. As a sum, or the planner would walk by id."""
        workspaces = list(Workspace.objects.values_list("pk", flat=True))
        of_day = super().of_days(
            Lead.objects.filter(workspace__in=workspaces).order_by(), first=first, end=end
        )
        return of_day.aggregate(last=Max(F("pk") + 0))["last"] or 0


class WaitingReasonFilter(LeadReasonFilter):
    """Of pending leads: an index has reasons by workspace, and a rare one is found without reading the others."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() is None:
            return queryset
        ids = visible_ids(request)
        workspaces = list(Workspace.objects.values_list("pk", flat=True)) if ids is None else ids
        return super().queryset(request, queryset.filter(workspace__in=workspaces).exclude(skip_reason=""))


class PausedFilter(admin.SimpleListFilter):
    title = "paused"
    parameter_name = "paused"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        return [("yes", "paused"), ("no", "not paused")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        value = self.value()
        return queryset.filter(paused_at__isnull=value == "no") if value in ("yes", "no") else queryset

"""Filters of the list of leads. None of them reads a table to find its choices."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib import admin
from django.db.models import F, Max, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from routing.leads.decision_metrics import DEADLINE
from routing.models import DispatchControl, Lead, LeadStatus, Workspace
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


# Of leads that are late, so that the list reads them by an index and not by id.
MOST_LATE: Final = 1_000


class LateFilter(admin.SimpleListFilter):
    """Leads that should not wait: due for more than a minute, or claimed for longer than a claim may last."""

    title = "late"
    parameter_name = "late"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        return [("undecided", "due for over 60 s"), ("lock", "stale lock")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        at, value = timezone.now(), self.value()
        if value == "lock":
            before = at - timedelta(seconds=settings.LEADSWITCH_CLAIM_MAX_SECONDS)
            return queryset.filter(status=LeadStatus.CALLING, locked_at__lt=before)
        if value != "undecided":
            return queryset
        return queryset.filter(pk__in=_find_undecided(visible_ids(request), before=at - DEADLINE))


def _find_undecided(ids: Sequence[int] | None, *, before: datetime) -> Sequence[int]:
    """Leads that could be decided since `before`, and are not. A pause, or one that ended since, is no delay."""
    if DispatchControl.objects.filter(Q(paused_at__isnull=False) | Q(resumed_at__gte=before)).exists():
        return []
    running = Workspace.objects.filter(paused_at__isnull=True).exclude(resumed_at__gte=before)
    workspaces = running if ids is None else running.filter(pk__in=ids)
    late = Lead.objects.filter(
        workspace__in=list(workspaces.values_list("pk", flat=True)),
        status=LeadStatus.PENDING,
        paused_at__isnull=True,
        next_attempt_at__lt=before,
    ).exclude(resumed_at__gte=before)
    return list(late.order_by("next_attempt_at").values_list("pk", flat=True)[:MOST_LATE])


class DueFilter(admin.SimpleListFilter):
    """Of the retry queue."""

    title = "due"
    parameter_name = "due"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        return [("now", "now")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        return queryset.filter(next_attempt_at__lte=timezone.now()) if self.value() == "now" else queryset


class PausedFilter(admin.SimpleListFilter):
    title = "paused"
    parameter_name = "paused"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        return [("yes", "paused"), ("no", "not paused")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        value = self.value()
        return queryset.filter(paused_at__isnull=value == "no") if value in ("yes", "no") else queryset

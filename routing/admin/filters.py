"""Filters of the list of leads. None of them reads a table to find its choices."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from django.conf import settings
from django.contrib import admin
from django.db.models import F, Max, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from routing.leads.decision_metrics import DEADLINE, PROMPT
from routing.leads.due_retries import only_due
from routing.leads.undecided import find_undecided
from routing.models import Lead, LeadStatus, Workspace
from tracing.admin.days import APART, DayFilter, first_id_at
from tracing.admin.filters import LeadReasonFilter
from tracing.admin.scope import visible_ids
from tracing.parsing import parse_id

WORKSPACE_PARAMETER: Final = "workspace__id__exact"


class LeadDayFilter(DayFilter):
    """A list in order of ids would read every later lead before those of an old day, so a day is a range of ids.

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


class LateFilter(admin.SimpleListFilter):
    """Leads that should not wait: due for longer than an objective allows, or claimed for longer than a claim may last.

    Shows the leads that the page Health counts.
    """

    title = "late"
    parameter_name = "late"
    limits: ClassVar = {"slow": PROMPT, "undecided": DEADLINE}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        due = [(name, f"due for over {limit.seconds} s") for name, limit in self.limits.items()]
        return [*due, ("lock", "stale lock")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value == "lock":
            before = timezone.now() - timedelta(seconds=settings.LEADSWITCH_CLAIM_MAX_SECONDS)
            return queryset.filter(status=LeadStatus.CALLING, locked_at__lt=before)
        if value not in self.limits:
            return queryset
        # Ids, so that the list does not go through all leads by id.
        return queryset.filter(pk__in=find_undecided(_listed_ids(request), over=self.limits[value]))


def _listed_ids(request: HttpRequest) -> Sequence[int] | None:
    """The workspaces of the list. Leads of another workspace must not use up the limit of a search."""
    visible, chosen = visible_ids(request), parse_id(request.GET.get(WORKSPACE_PARAMETER, ""))
    if chosen is None:
        return visible
    return [chosen] if visible is None or chosen in visible else []


class DueFilter(admin.SimpleListFilter):
    """Of the retry queue: leads that could run now. Paused leads are not due."""

    title = "due"
    parameter_name = "due"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        return [("now", "now")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        return only_due(queryset) if self.value() == "now" else queryset


class PausedFilter(admin.SimpleListFilter):
    title = "paused"
    parameter_name = "paused"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        return [("yes", "paused"), ("no", "not paused")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        value = self.value()
        return queryset.filter(paused_at__isnull=value == "no") if value in ("yes", "no") else queryset

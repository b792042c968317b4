"""Filters by the words of the trace and by workspace. None of them reads a large table to find its choices."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from tracing.admin.readonly import VocabularyFilter
from tracing.admin.scope import ScopedAdmin, visible_names
from tracing.parsing import parse_id
from tracing.skip_reasons import SKIP_REASONS, Level
from tracing.vocabulary import Event


class LeadReasonFilter(VocabularyFilter):
    title = "skip reason"
    parameter_name = "skip_reason"
    values = tuple(code for code, reason in SKIP_REASONS.items() if Level.LEAD in reason.levels)


class AnyReasonFilter(VocabularyFilter):
    title = "skip reason"
    parameter_name = "skip_reason"
    values = tuple(SKIP_REASONS)


class EventFilter(VocabularyFilter):
    title = "event"
    parameter_name = "event"
    values = tuple(Event)


class WorkspaceFilter(admin.SimpleListFilter):
    """For lists of a `ScopedAdmin`, which has the lookup from its rows to their workspace."""

    title = "workspace"
    parameter_name = "workspace"

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: ScopedAdmin) -> None:
        super().__init__(request, params, model, model_admin)
        self.page = model_admin

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        return [(str(pk), name) for pk, name in visible_names(request)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        """The list has only visible rows, so the id of another user's workspace selects none."""
        value = self.value()
        if not value:
            return queryset
        chosen = parse_id(value)
        return queryset.none() if chosen is None else self.page.of_workspaces(queryset, [chosen])

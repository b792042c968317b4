"""Filters of the list of attempts that the page "Health" links to. What they match is what it counts."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final

from django.contrib import admin
from django.db.models import DurationField, ExpressionWrapper, F, QuerySet
from django.http import HttpRequest

from tracing.admin.days import APART, FIRST_YEAR, first_id_at
from tracing.admin.readonly import VocabularyFilter
from tracing.models import AttemptResult
from tracing.rollups.edges import EDGES_SECONDS
from tracing.skip_reasons import SKIP_REASONS

HOUR_FORMAT: Final = "%Y-%m-%dT%H"
SEPARATOR: Final = "~"
SYSTEM_REASONS: Final = tuple(code for code, reason in SKIP_REASONS.items() if reason.is_system_failure)


def format_hours(start: datetime, end: datetime) -> str:
    """Return the value of the filter for the hours from `start` to before `end` (UTC)."""
    return SEPARATOR.join(f"{each.astimezone(UTC):{HOUR_FORMAT}}" for each in (start, end))


def parse_hours(text: str) -> tuple[datetime, datetime] | None:
    first, _, last = text.partition(SEPARATOR)
    try:
        start, end = (datetime.strptime(each, HOUR_FORMAT).replace(tzinfo=UTC) for each in (first, last))
    except ValueError:
        return None
    return (start, end) if start.year >= FIRST_YEAR and start < end else None


def parse_waited(text: str) -> tuple[float, float | None] | None:
    """Read "1~2" or "60~": both are edges of the roll-up, or 0."""
    first, _, last = text.partition(SEPARATOR)
    edges: dict[str, float] = {f"{edge:g}": edge for edge in (0, *EDGES_SECONDS)}
    if first not in edges or (last and last not in edges):
        return None
    return edges[first], edges[last] if last else None


class TypedFilter(admin.SimpleListFilter):
    """A filter that a link sets. It has no menu until then."""

    def lookups(
        self,
        request: HttpRequest,
        model_admin: Any,  # noqa: ARG002 - the signature is Django's
    ) -> Sequence[tuple[str, str]]:
        typed = request.GET.get(str(self.parameter_name), "")
        return [(typed, self.describe(typed))] if typed else []

    def describe(self, typed: str) -> str:
        raise NotImplementedError


class HoursFilter(TypedFilter):
    """Hours (UTC) in which the attempt started: "2026-11-28T20~2026-11-28T21", without the last. A range of ids."""

    title = "hours (UTC)"
    parameter_name = "hours"

    def describe(self, typed: str) -> str:
        return typed.replace(SEPARATOR, " to ").replace("T", " ")

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        value = self.value()
        if not value:
            return queryset
        hours = parse_hours(value)
        if hours is None:
            return queryset.none()
        start, end = hours
        return queryset.filter(
            pk__gte=first_id_at(start - APART),
            pk__lt=first_id_at(end + APART),
            started_at__gte=start,
            started_at__lt=end,
        )


class WaitedFilter(TypedFilter):
    """Seconds from due to decided: "1~2" is more than 1 and at most 2. Attempts that are retried decide nothing."""

    title = "seconds from due to decided"
    parameter_name = "waited"

    def describe(self, typed: str) -> str:
        first, _, last = typed.partition(SEPARATOR)
        return f"{first} to {last} s" if last else f"more than {first} s"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        value = self.value()
        if not value:
            return queryset
        found = parse_waited(value)
        if found is None:
            return queryset.none()
        above, most = found
        waited = ExpressionWrapper(F("finished_at") - F("due_at"), output_field=DurationField())
        decided = queryset.exclude(result=AttemptResult.RETRY).filter(due_at__isnull=False)
        rows: QuerySet[Any] = decided.annotate(waited=waited)
        if above:
            rows = rows.filter(waited__gt=timedelta(seconds=above))
        return rows if most is None else rows.filter(waited__lte=timedelta(seconds=most))


class FaultFilter(VocabularyFilter):
    title = "fault"
    parameter_name = "fault"
    values: ClassVar[tuple[str, ...]] = ("system",)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        return [("system", "failed by LeadSwitch")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        if self.value() != "system":
            return queryset
        return queryset.filter(result=AttemptResult.FAILED, skip_reason__in=SYSTEM_REASONS)

"""Pings of sources: what they were promised, and whether a lead followed."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from routing.models import Lead, Ping, Source
from tracing.admin.columns import NOTHING, test_column, time_column
from tracing.admin.filters import WorkspaceFilter
from tracing.admin.keyset import MAX_SCANNED
from tracing.admin.readonly import ReadOnlyAdmin, VocabularyFilter
from tracing.parsing import parse_text, parse_uuid
from tracing.wording import moment, money, short_id


class AnswerFilter(VocabularyFilter):
    title = "answer"
    parameter_name = "answer"
    values = ("price", "no_price")

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        value = self.value()
        return queryset if value is None else queryset.filter(price_cents__isnull=value == "no_price")


class LeadFilter(VocabularyFilter):
    title = "lead"
    parameter_name = "lead"
    values = ("with_a_lead", "without_a_lead")

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        value = self.value()
        leads = Exists(Lead.objects.filter(ping_id=OuterRef("pk")))
        if value is None:
            return queryset
        return queryset.filter(leads if value == "with_a_lead" else ~leads)


@admin.register(Ping)
class PingAdmin(ReadOnlyAdmin):
    workspace_path = "source__workspace"
    list_display = ("created", "source", "answer", "used_by", "valid_until", "test")
    list_filter = (AnswerFilter, LeadFilter, "is_test", WorkspaceFilter)
    list_select_related = ("source__workspace",)
    search_help_text = "The name of a source, or the id of a ping."
    scan_time = "created_at"
    empty_list_text = (
        "A source asks for the price of a lead with POST /api/v1/pings/. Its questions are listed here."
    )
    fields = ("public_id", "source", "answer", "used_by", "created_at", "valid_until", "is_test")
    readonly_fields = ("answer", "used_by", "valid_until")
    created = time_column("created_at", label="asked")
    test = test_column()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Ping]:
        lead = Lead.objects.filter(ping_id=OuterRef("pk")).values("public_id")[:1]
        pings: QuerySet[Ping] = super().get_queryset(request)
        return pings.annotate(used_by_id=Subquery(lead))

    def scan_limit(self, asked: Mapping[str, str], *, ids: Sequence[int] | None) -> int | None:  # noqa: ARG002
        filters = ("answer", "lead", "is_test__exact")
        return MAX_SCANNED if any(asked.get(name) for name in filters) else None

    def of_workspaces(self, queryset: QuerySet[Any], ids: Sequence[int]) -> QuerySet[Any]:
        """By sources that are looked up first: the database knows how many pings each has."""
        sources = Source.objects.filter(workspace__in=ids)
        return queryset.filter(source_id__in=list(sources.values_list("pk", flat=True)))

    def find_named(self, text: str, *, request: HttpRequest) -> Q:  # noqa: ARG002 - the rows are of this user already
        """By sources that are looked up first: an OR over joined tables would read every ping."""
        public_id = parse_uuid(text)
        if public_id is not None:
            return Q(public_id=public_id)
        if parse_text(text) is None:
            return Q(pk__in=[])
        return Q(source_id__in=list(Source.objects.filter(name=text).values_list("pk", flat=True)))

    @admin.display(description="answer")
    def answer(self, ping: Ping) -> str:
        if ping.price_cents is None:
            return f"no price: {ping.reason.replace('_', ' ')}"
        return money(ping.price_cents)

    @admin.display(description="valid until")
    def valid_until(self, ping: Ping) -> str:
        """What has no price has no id, so it is never valid."""
        return NOTHING if ping.price_cents is None else moment(ping.expires_at)

    @admin.display(description="lead")
    def used_by(self, ping: Any) -> SafeString | str:
        if ping.used_by_id is None:
            return NOTHING
        url = reverse("admin:routing_lead_trace", args=[ping.used_by_id])
        return format_html('<a href="{}">{}</a>', url, short_id(ping.used_by_id))

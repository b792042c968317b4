"""Pings of sources: what they were promised, and whether a lead followed."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from routing.models import Lead, Ping
from tracing.admin.columns import NOTHING, test_column, time_column
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
    list_filter = (AnswerFilter, LeadFilter, "is_test")
    list_select_related = ("source__workspace",)
    search_help_text = "The name of a source, or the id of a ping."
    exact_searches: ClassVar = {"public_id": parse_uuid, "source__name": parse_text}
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

"""Deliveries with every request and answer."""

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any, Final

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from distribution.admin.delivery_actions import DeliveryActionsAdmin
from distribution.admin.delivery_figures import DeliveryFiguresAdmin
from distribution.admin.delivery_texts import describe_tries
from distribution.admin.lead_search import find_leads
from distribution.models import ENDED, Delivery, DeliveryState, Endpoint
from tracing.admin.columns import describe_id, money_column, time_column, word_column
from tracing.admin.filters import WorkspaceFilter
from tracing.admin.keyset import MAX_SCANNED
from tracing.admin.named import NamingAdmin, named_field
from tracing.admin.readonly import VocabularyFilter
from tracing.parsing import parse_id, parse_text, parse_uuid
from tracing.wording import short_id

MAX_FOUND: Final = 100  # endpoints whose deliveries one search shows
STATES: Final[Mapping[Any, str]] = dict(DeliveryState.choices)
# Lists have no room for what to do about it: the page of the delivery says so.
SHORT_STATES: Final[Mapping[Any, str]] = {**STATES, "pending": "waiting", "unknown": "unknown"}


class StateFilter(VocabularyFilter):
    title = "state"
    parameter_name = "state"
    values = tuple(DeliveryState)
    words = STATES


@admin.register(Delivery)
class DeliveryAdmin(DeliveryFiguresAdmin, DeliveryActionsAdmin, NamingAdmin):
    has_history = True
    workspace_path = "endpoint__workspace"
    actions = DeliveryActionsAdmin.actions
    change_list_template = "admin/distribution/delivery/change_list.html"
    list_display = (
        "message",
        "what",
        "lead_link",
        "endpoint_name",
        "short_state",
        "tries",
        "created",
        "last",
        "why",
    )
    list_filter = (WorkspaceFilter, StateFilter)
    list_select_related = (
        *("endpoint__buyer__workspace", "endpoint__source__workspace", "endpoint__workspace"),
        "event",
    )
    scan_time = "created_at"
    empty_list_text = "Deliveries appear here once a lead is sold to a buyer with an endpoint."
    search_help_text = (
        "Message id; public or numeric id of a lead; public id of an endpoint, buyer or source; or all or part of the "
        "name of one of these three."
    )
    fields = (
        *("message_id", "endpoint", "event", "lead_link", "sale", "standing", "is_direct_post", "is_test"),
        *("tries", "created_at", "first_try_at", "next_try_at", "ended_at", "end_reason", "ended_by"),
        *("price", "requests"),
    )
    readonly_fields = ("lead_link", "sale", "standing", "price", "requests")
    named = {"lead_id": "routing.lead", "assignment_id": "distribution.assignment"}
    named_in_list = ("lead_id",)
    short_in_list = ("lead_id",)
    lead_link = named_field("lead_id", label="lead")
    sale = named_field("assignment_id", label="sale")
    standing = word_column("state", words=STATES, label="state")
    short_state = word_column("state", words=SHORT_STATES, label="state")
    price = money_column("price_cents", label="price in the answer")
    created = time_column("created_at")

    def title_of(self, row: Delivery) -> str:
        return f"Delivery to {row.endpoint.name} of {row.endpoint.owner_name} ({short_id(row.message_id)})"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Nothing is decrypted."""
        return super().get_queryset(request).defer("endpoint__headers", "endpoint__template")

    def of_workspaces(self, queryset: QuerySet[Any], ids: Sequence[int]) -> QuerySet[Any]:
        """By endpoints that are looked up first: their index gives the newest ones."""
        endpoints = Endpoint.objects.filter(workspace__in=ids)
        return queryset.filter(endpoint_id__in=list(endpoints.values_list("pk", flat=True)))

    def scan_limit(self, asked: Mapping[str, str], *, ids: Sequence[int] | None) -> int | None:  # noqa: ARG002
        """Those without an end are few and have an index."""
        return MAX_SCANNED if asked.get("state") in ENDED else None

    def find_named(self, text: str, *, request: HttpRequest) -> Q:
        """By ids that are looked up first."""
        lead_id, public_id = parse_id(text), parse_uuid(text)
        if lead_id is not None:
            return Q(lead_id=lead_id)
        if public_id is None:
            names = ("name", "buyer__name", "source__name")
            named = reduce(or_, (Q((f"{name}__icontains", text)) for name in names))
            return self._at_endpoints(named, request=request) if parse_text(text) else Q(pk__in=[])
        leads = find_leads(public_id)
        if leads:
            return Q(lead_id__in=leads)
        named = Q(public_id=public_id) | Q(buyer__public_id=public_id) | Q(source__public_id=public_id)
        return Q(message_id=public_id) | self._at_endpoints(named, request=request)

    def _at_endpoints(self, named: Q, *, request: HttpRequest) -> Q:
        page: Any = self.admin_site.get_model_admin(Endpoint)
        rows = page.list_visible(request).filter(named).order_by("pk")
        found = self.find_first(rows, most=MAX_FOUND, what="endpoints", request=request)
        return Q(endpoint_id=found[0]) if len(found) == 1 else Q(endpoint_id__in=found)

    @admin.display(description="message")
    def message(self, delivery: Delivery) -> SafeString | str:
        return describe_id(delivery.message_id)

    @admin.display(description="what")
    def what(self, delivery: Delivery) -> str:
        return "lead" if delivery.event is None else delivery.event.kind

    @admin.display(description="endpoint")
    def endpoint_name(self, delivery: Delivery) -> SafeString:
        endpoint = delivery.endpoint
        return format_html('{} <span class="admin-detail">{}</span>', endpoint.owner_name, endpoint.name)

    @admin.display(description="ended or next try (UTC)")
    def last(self, delivery: Delivery) -> str:
        at = delivery.ended_at or delivery.next_try_at
        return f"{at:%Y-%m-%d %H:%M}" if at else "-"

    @admin.display(description="reason")
    def why(self, delivery: Delivery) -> SafeString | str:
        test = "test" if delivery.is_test else ""
        text = ", ".join(filter(None, (test, delivery.end_reason)))
        return format_html('<span class="admin-detail">{}</span>', text) if text else "-"

    @admin.display(description="requests")
    def requests(self, delivery: Delivery) -> SafeString | str:
        return describe_tries(delivery.requests.all())

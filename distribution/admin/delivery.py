"""Deliveries with every request and answer."""

from typing import Any

from django.contrib import admin
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from distribution.admin.delivery_actions import DeliveryActionsAdmin
from distribution.deliveries.tried import Texts
from distribution.models import Delivery, DeliveryState, DeliveryTry, TryOutcome
from tracing.admin.columns import describe_id, money_column, time_column, word_column
from tracing.admin.filters import WorkspaceFilter
from tracing.admin.named import NamingAdmin, named_field
from tracing.admin.readonly import VocabularyFilter, preformatted
from tracing.parsing import parse_id, parse_uuid
from tracing.wording import duration, moment, short_id

STATES: Any = dict(DeliveryState.choices)


class StateFilter(VocabularyFilter):
    title = "state"
    parameter_name = "state"
    values = tuple(DeliveryState)


@admin.register(Delivery)
class DeliveryAdmin(DeliveryActionsAdmin, NamingAdmin):
    has_history = True
    workspace_path = "endpoint__workspace"
    list_display = (
        "message",
        "lead_link",
        "event",
        "endpoint",
        "standing",
        "tries",
        "created",
        "due",
        "ended",
        "end_reason",
    )
    list_filter = (WorkspaceFilter, StateFilter)
    list_select_related = (
        "endpoint__buyer__workspace",
        "endpoint__source__workspace",
        "endpoint__workspace",
        "event",
    )
    scan_time = "created_at"
    empty_list_text = "Deliveries appear here once a lead is sold to a buyer with an endpoint."
    search_help_text = "A message id, or a lead's numeric id."
    exact_searches = {"message_id": parse_uuid, "lead_id": parse_id}
    fields = (
        *(
            "message_id",
            "endpoint",
            "event",
            "lead_link",
            "assignment",
            "standing",
            "is_direct_post",
            "is_test",
        ),
        *("tries", "created_at", "first_try_at", "next_try_at", "ended_at", "end_reason", "ended_by"),
        *("price", "requests"),
    )
    readonly_fields = ("lead_link", "standing", "price", "requests")
    named = {"lead_id": "routing.lead"}
    named_in_list = ("lead_id",)
    short_in_list = ("lead_id",)
    lead_link = named_field("lead_id", label="lead")
    standing = word_column("state", words=STATES, label="state")
    price = money_column("price_cents", label="price in the answer")
    created = time_column("created_at")
    due = time_column("next_try_at", label="next try")
    ended = time_column("ended_at")

    def title_of(self, row: Delivery) -> str:
        return f"Delivery to {row.endpoint} ({short_id(row.message_id)})"

    @admin.display(description="message")
    def message(self, delivery: Delivery) -> SafeString | str:
        return describe_id(delivery.message_id)

    @admin.display(description="requests")
    def requests(self, delivery: Delivery) -> SafeString | str:
        tries = DeliveryTry.objects.filter(delivery=delivery).order_by("number")
        return format_html_join("", "{}", ((_describe_try(each),) for each in tries)) or "None yet."


def _describe_try(each: DeliveryTry) -> SafeString:
    shown = describe_texts(each)
    return format_html("<details><summary>{}</summary>{}{}</details>", _summarize(each), *shown)


def describe_texts(each: DeliveryTry | Texts) -> list[SafeString]:
    """The request and the answer, each with its head and body."""
    request, answer = (each.request_head, each.request_body), (each.answer_head, each.answer_body)
    return [_describe_message(name, texts) for name, texts in (("Request", request), ("Answer", answer))]


def _describe_message(name: str, texts: tuple[str, str]) -> SafeString:
    parts = format_html_join("", "{}", ((preformatted(text),) for text in texts if text))
    return format_html("<p>{}</p>{}", name, parts) if parts else parts


def _summarize(each: DeliveryTry) -> str:
    outcome = TryOutcome(each.outcome).label if each.outcome else "is being sent"
    status = f"status {each.status_code}" if each.status_code else each.error
    took = duration(each.duration_ms) if each.duration_ms is not None else ""
    facts = ", ".join(part for part in (outcome, status, took) if part)
    return f"Try {each.number}, {moment(each.started_at)}: {facts}"

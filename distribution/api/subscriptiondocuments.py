"""The OpenAPI schema of subscriptions. Nothing here runs during a request."""

from collections.abc import Callable
from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers

from distribution.api import buyerexamples as examples
from distribution.api.buyerdocuments import Operation
from distribution.deliveries.payloads.catalog import Audience, kinds_for
from distribution.models import DisabledReason
from routing.api.documents import LIMIT_HEADERS, describe_errors, describe_header

SHOWN_ONCE: Final = "Verify each message with it, by a library of Standard Webhooks. It is shown only now."


class SubscriptionDocument(serializers.Serializer[Any]):
    """A URL that gets events."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    url = serializers.CharField()
    events = serializers.ListField(child=serializers.CharField())
    is_enabled = serializers.BooleanField(help_text="False: it gets nothing, see `disabled_reason`.")
    disabled_reason = serializers.CharField(
        help_text=f"One of {', '.join(DisabledReason.values)}; empty while it is enabled."
    )


class NewSubscriptionDocument(SubscriptionDocument):
    secret = serializers.CharField(help_text=SHOWN_ONCE)


class SubscriptionList(serializers.Serializer[Any]):
    results = SubscriptionDocument(many=True)


class SubscribeDocument(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100, help_text="Unique among your endpoints.")
    url = serializers.CharField(max_length=2_000, help_text="An https URL at a public address.")
    events = serializers.ListField(child=serializers.CharField(), min_length=1)


SUBSCRIPTION: Final[dict[str, Any]] = {
    "id": "019c1f0e-7c1a-7b7e-9d0a-3f1c2b4a5d91",
    "name": "CRM",
    "url": "https://crm.example.com/events",
    "events": ["lead.sold"],
    "is_enabled": True,
    "disabled_reason": "",
}
NEW: Final = {**SUBSCRIPTION, "secret": "whsec_c2VjcmV0IG9mIGFuIGV4YW1wbGUgb25seQ=="}


def _example(value: Any, code: str) -> list[OpenApiExample]:
    return [
        OpenApiExample("Success", value=value, response_only=True, status_codes=[code]),
        *examples.ERRORS,
    ]


def _document(
    audience: Audience, what: str, summary: str, *, description: str = "", **named: Any
) -> Callable[[Operation], Operation]:
    prefix = "buyer_subscriptions" if audience == "buyer" else "subscriptions"
    return extend_schema(
        operation_id=f"{prefix}_{what}",
        summary=summary,
        description=description or f"{summary}.",
        tags=["buyers" if audience == "buyer" else "leads"],
        **named,
    )


def _list(audience: Audience) -> Callable[[Operation], Operation]:
    return _document(
        audience,
        "list",
        "Your subscriptions to events",
        parameters=LIMIT_HEADERS,
        responses={200: SubscriptionList, **describe_errors()},
        examples=_example({"results": [SUBSCRIPTION]}, "200"),
    )


def _add(audience: Audience) -> Callable[[Operation], Operation]:
    return _document(
        audience,
        "create",
        "Subscribe to events",
        description=f"Events: {', '.join(kinds_for(audience))}. The section webhooks describes their messages. 409 if "
        "there are 20 subscriptions already.",
        request=SubscribeDocument,
        parameters=[describe_header("Location", "URL of the subscription.", 201), *LIMIT_HEADERS],
        responses={
            201: OpenApiResponse(NewSubscriptionDocument, description="It gets events from now on."),
            **describe_errors(409, 411, 413, 415),
        },
        examples=_example(NEW, "201"),
    )


def _get(audience: Audience) -> Callable[[Operation], Operation]:
    return _document(
        audience,
        "retrieve",
        "One of your subscriptions",
        parameters=LIMIT_HEADERS,
        responses={200: SubscriptionDocument, **describe_errors(404)},
        examples=_example(SUBSCRIPTION, "200"),
    )


def _end(audience: Audience) -> Callable[[Operation], Operation]:
    return _document(
        audience,
        "destroy",
        "End a subscription",
        description="It gets no more events, also none that wait for another try.",
        request=None,
        parameters=LIMIT_HEADERS,
        responses={204: OpenApiResponse(description="It is ended."), **describe_errors(404)},
        examples=list(examples.ERRORS),
    )


LIST_OF_BUYER, LIST_OF_SOURCE = _list("buyer"), _list("source")
ADD_OF_BUYER, ADD_OF_SOURCE = _add("buyer"), _add("source")
GET_OF_BUYER, GET_OF_SOURCE = _get("buyer"), _get("source")
END_OF_BUYER, END_OF_SOURCE = _end("buyer"), _end("source")

"""The OpenAPI schema of a buyer's endpoints. Nothing here runs during a request."""

from collections.abc import Callable
from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers

from distribution.api.accountdocuments import CHANGE_ERRORS, IF_MATCH, etag
from distribution.api.buyerdocuments import Operation
from distribution.api.buyerexamples import CAMPAIGN, ERRORS
from distribution.models import (
    AnswerFormat,
    BodyFormat,
    DisabledReason,
    EmailFormat,
    HttpMethod,
    Method,
    TryOutcome,
)
from distribution.models.endpoint import MAX_IN_FLIGHT, MAX_TIMEOUT_SECONDS
from routing.api.documents import LIMIT_HEADERS, describe_errors, describe_header
from routing.api.schemas import AttributesDocument

SHOWN_ONCE: Final = (
    "Of a webhook that has just got it. Verify each message with it, by a library of Standard Webhooks."
    " It is shown only now."
)


class _Settings(serializers.Serializer[Any]):
    """Which fields a method uses: docs/deliveries.md."""

    url = serializers.CharField(required=False, allow_blank=True, max_length=2_000)
    test_url = serializers.CharField(required=False, allow_blank=True, max_length=2_000)
    email_to = serializers.CharField(required=False, allow_blank=True, max_length=1_000)
    http_method = serializers.ChoiceField(choices=HttpMethod.choices, required=False)
    body_format = serializers.ChoiceField(choices=BodyFormat.choices, required=False)
    email_format = serializers.ChoiceField(choices=EmailFormat.choices, required=False)
    daily_at = serializers.CharField(required=False, help_text="A time of day such as 06:00.")
    template = AttributesDocument(required=False)
    accept_term = serializers.CharField(required=False, allow_blank=True, max_length=200)
    accept_path = serializers.CharField(required=False, allow_blank=True, max_length=200)
    reason_path = serializers.CharField(required=False, allow_blank=True, max_length=200)
    price_path = serializers.CharField(required=False, allow_blank=True, max_length=200)
    answer_format = serializers.ChoiceField(choices=AnswerFormat.choices, required=False, allow_blank=True)
    timeout_seconds = serializers.IntegerField(required=False, min_value=1, max_value=MAX_TIMEOUT_SECONDS)
    max_in_flight = serializers.IntegerField(required=False, min_value=1, max_value=MAX_IN_FLIGHT)
    campaign_id = serializers.UUIDField(
        required=False, allow_null=True, help_text="Only leads of this campaign. Null: of all of yours."
    )
    active = serializers.BooleanField(required=False, help_text="False: it gets nothing new.")


class EndpointChange(_Settings):
    name = serializers.CharField(required=False, max_length=100)
    method = serializers.ChoiceField(choices=Method.choices, required=False)
    headers = AttributesDocument(
        required=False, help_text="Secrets, never shown. Only those that change; null removes one."
    )


class NewEndpoint(_Settings):
    name = serializers.CharField(max_length=100, help_text="Unique among your endpoints.")
    method = serializers.ChoiceField(choices=Method.choices)
    headers = AttributesDocument(required=False, help_text="Secrets, never shown.")


class OwnEndpointDocument(serializers.Serializer[Any]):
    """Where your leads are sent."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    method = serializers.ChoiceField(choices=Method.choices)
    url = serializers.CharField(allow_blank=True)
    test_url = serializers.CharField(allow_blank=True)
    email_to = serializers.CharField(allow_blank=True)
    http_method = serializers.ChoiceField(choices=HttpMethod.choices)
    body_format = serializers.ChoiceField(choices=BodyFormat.choices)
    email_format = serializers.ChoiceField(choices=EmailFormat.choices)
    template = AttributesDocument()
    accept_term = serializers.CharField(allow_blank=True)
    accept_path = serializers.CharField(allow_blank=True)
    reason_path = serializers.CharField(allow_blank=True)
    price_path = serializers.CharField(allow_blank=True)
    answer_format = serializers.ChoiceField(choices=AnswerFormat.choices, allow_blank=True)
    timeout_seconds = serializers.IntegerField()
    max_in_flight = serializers.IntegerField()
    active = serializers.BooleanField()
    campaign_id = serializers.UUIDField(allow_null=True)
    daily_at = serializers.CharField()
    header_names = serializers.ListField(child=serializers.CharField())
    is_enabled = serializers.BooleanField(help_text="False: it gets nothing, see `disabled_reason`.")
    disabled_reason = serializers.ChoiceField(choices=DisabledReason.choices, allow_blank=True)
    last_success_at = serializers.DateTimeField(allow_null=True)
    failing_since = serializers.DateTimeField(allow_null=True)


class EndpointWithSecret(OwnEndpointDocument):
    secret = serializers.CharField(required=False, help_text=SHOWN_ONCE)


class EndpointList(serializers.Serializer[Any]):
    results = OwnEndpointDocument(many=True)


class SecretDocument(serializers.Serializer[Any]):
    secret = serializers.CharField(
        help_text="It signs first. The one before it signs as well for 24 hours. It is shown only now."
    )


class ConfirmationDocument(serializers.Serializer[Any]):
    confirmed_address = serializers.CharField(
        required=False,
        allow_null=True,
        help_text="Its live address, exactly, if it has no test URL: the invented lead then arrives among real ones.",
    )


class TestAnswer(serializers.Serializer[Any]):
    """What your system answered."""

    outcome = serializers.ChoiceField(choices=TryOutcome.choices)
    reason = serializers.CharField(allow_blank=True)
    status_code = serializers.IntegerField(allow_null=True)
    duration_ms = serializers.IntegerField()
    answer = serializers.CharField(allow_blank=True, help_text="The beginning of the body.")


ENDPOINT: Final[dict[str, Any]] = {
    "id": "019c1f0e-7c1a-7b7e-9d0a-3f1c2b4a5d92",
    "name": "CRM",
    "method": "webhook",
    "url": "https://crm.example.com/leads",
    "test_url": "",
    "email_to": "",
    "http_method": "POST",
    "body_format": "json",
    "email_format": "text",
    "template": {},
    **dict.fromkeys(("accept_term", "accept_path", "reason_path", "price_path", "answer_format"), ""),
    "timeout_seconds": 15,
    "max_in_flight": 4,
    "active": True,
    "campaign_id": CAMPAIGN["id"],
    "daily_at": "06:00",
    "header_names": [],
    "is_enabled": True,
    "disabled_reason": "",
    "last_success_at": None,
    "failing_since": None,
}
SECRET: Final = "whsec_c2VjcmV0IG9mIGFuIGV4YW1wbGUgb25seQ=="  # noqa: S105 - an example
NEW: Final = {"name": "CRM", "method": "webhook", "url": "https://crm.example.com/leads"}


def _document(
    what: str, summary: str, *, answer: Any, code: int, sent: Any = None, description: str = "", **named: Any
) -> Callable[[Operation], Operation]:
    sample = [] if sent is None else [OpenApiExample("Request", value=sent, request_only=True)]
    if answer is not None:
        sample.append(OpenApiExample("Success", value=answer, response_only=True, status_codes=[str(code)]))
    return extend_schema(
        operation_id=f"buyer_endpoint_{what}",
        summary=summary,
        description=description or f"{summary}.",
        tags=["buyers"],
        examples=[*sample, *ERRORS],
        **named,
    )


LIST_ENDPOINTS: Final = _document(
    "list",
    "Your endpoints",
    answer={"results": [ENDPOINT]},
    code=200,
    parameters=LIMIT_HEADERS,
    responses={200: EndpointList, **describe_errors()},
)
ADD_ENDPOINT: Final = _document(
    "create",
    "Add an endpoint",
    answer={**ENDPOINT, "secret": SECRET},
    code=201,
    sent=NEW,
    description="It gets your leads from now on. A webhook gets a secret, which is shown once. 409 if you have 20.",
    request={"application/json": NewEndpoint},
    parameters=[describe_header("Location", "URL of the endpoint.", 201), etag(201), *LIMIT_HEADERS],
    responses={
        201: OpenApiResponse(EndpointWithSecret, description="It is added."),
        **describe_errors(409, 411, 413, 415),
    },
)
GET_ENDPOINT: Final = _document(
    "retrieve",
    "One of your endpoints",
    answer=ENDPOINT,
    code=200,
    parameters=[etag(200), *LIMIT_HEADERS],
    responses={200: OwnEndpointDocument, **describe_errors(404)},
)
CHANGE_ENDPOINT: Final = _document(
    "change",
    "Change an endpoint",
    answer={**ENDPOINT, "timeout_seconds": 30},
    code=200,
    sent={"timeout_seconds": 30},
    description="Send only what changes. What the method does not use is refused, and reset when the method changes.",
    request={"application/json": EndpointChange, "application/merge-patch+json": EndpointChange},
    parameters=[IF_MATCH, etag(200, 412), *LIMIT_HEADERS],
    responses={
        200: OpenApiResponse(EndpointWithSecret, description="As it is now."),
        **describe_errors(*CHANGE_ERRORS),
    },
)
DELETE_ENDPOINT: Final = _document(
    "destroy",
    "Delete an endpoint",
    answer=None,
    code=204,
    description="409 if leads were sent to it: they are kept with it. Set `active` to false instead.",
    request=None,
    parameters=[IF_MATCH, etag(412), *LIMIT_HEADERS],
    responses={204: OpenApiResponse(description="It is deleted."), **describe_errors(404, 409, 412, 428)},
)
RENEW_SECRET: Final = _document(
    "secret",
    "Make a new secret",
    answer={"secret": SECRET},
    code=201,
    request=None,
    parameters=[IF_MATCH, etag(201, 412), *LIMIT_HEADERS],
    responses={201: SecretDocument, **describe_errors(404, 409, 412, 428)},
)
TEST_ENDPOINT: Final = _document(
    "test",
    "Send an invented lead to an endpoint",
    answer={"outcome": "accepted", "reason": "", "status_code": 200, "duration_ms": 84, "answer": "ok"},
    code=200,
    sent={"confirmed_address": "https://crm.example.com/leads"},
    description="Waits for the answer, at most 20 seconds. Nothing is stored, counted or charged. 409 if it has no test"
    " URL and its live address is not confirmed.",
    request={"application/json": ConfirmationDocument},
    parameters=LIMIT_HEADERS,
    responses={200: TestAnswer, **describe_errors(404, 409, 411, 413, 415)},
)

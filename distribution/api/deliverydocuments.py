"""The OpenAPI schema of deliveries. The documents mirror distribution.api.deliveryanswers; a test compares them."""

from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from distribution.api.buyerdocuments import CURSOR, LIMIT
from distribution.api.workspacedocuments import BuyerDocument, document, example
from distribution.deliveries.by_hand import DECISIONS
from distribution.deliveries.keeping import KEPT
from distribution.deliveries.queries import STATES
from distribution.models import DeliveryState, EventKind, TryOutcome
from routing.api.documents import IDEMPOTENCY_KEY, LIMIT_HEADERS, REPLAYED, describe_errors, describe_header
from tracing.audit import MAX_REASON


class EndpointDocument(serializers.Serializer[Any]):
    """Where it is sent. Without a buyer and a source it belongs to the workspace."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    buyer = BuyerDocument(allow_null=True)
    source = serializers.CharField(allow_null=True, help_text="The name of the source that gets events.")  # type: ignore[assignment]


class DeliveryDocument(serializers.Serializer[Any]):
    """One message to one endpoint. All its tries have the same id, which the receiver gets as `webhook-id`."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=DeliveryState.choices)
    endpoint = EndpointDocument()
    event = serializers.ChoiceField(
        choices=EventKind.choices, allow_null=True, help_text="Null: it delivers a lead."
    )
    lead_id = serializers.UUIDField(allow_null=True)
    assignment_id = serializers.UUIDField(allow_null=True)
    is_direct_post = serializers.BooleanField(help_text="Its end decides whether the lead is sold.")
    is_test = serializers.BooleanField()
    tries = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    first_try_at = serializers.DateTimeField(allow_null=True)
    next_try_at = serializers.DateTimeField(allow_null=True, help_text="Only while it is `pending`.")
    ended_at = serializers.DateTimeField(allow_null=True)
    end_reason = serializers.CharField(
        help_text="The receiver's own words, or why a person or program decided."
    )
    ended_by = serializers.CharField(help_text="Blank: the answer of the receiver ended it.")
    price_cents = serializers.IntegerField(allow_null=True, help_text="The price in the answer.")


class RequestDocument(serializers.Serializer[Any]):
    """One try. Secrets are hidden. Bodies are kept for a limited time, and blank afterwards."""

    number = serializers.IntegerField()
    started_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    outcome = serializers.ChoiceField(
        choices=TryOutcome.choices, allow_blank=True, help_text="Blank while it runs."
    )
    status_code = serializers.IntegerField(allow_null=True)
    duration_ms = serializers.IntegerField(allow_null=True)
    error = serializers.CharField()
    request_head = serializers.CharField()
    request_body = serializers.CharField()
    answer_head = serializers.CharField()
    answer_body = serializers.CharField()


class DeliveryWithRequestsDocument(DeliveryDocument):
    requests = RequestDocument(
        many=True, help_text=f"The newest first. Bodies are removed after {KEPT.days} days."
    )


class DeliveryPage(serializers.Serializer[Any]):
    results = DeliveryDocument(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class ResolutionDocument(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=[state.value for state in DECISIONS])
    reason = serializers.CharField(
        max_length=MAX_REASON, help_text="Do not include names or contact details."
    )


class ResendingDocument(serializers.Serializer[Any]):
    reason = serializers.CharField(
        max_length=MAX_REASON, help_text="Do not include names or contact details."
    )


DELIVERY: Final[dict[str, Any]] = {
    "id": "019c1f0e-7c1a-7b7e-9d0a-3f1c2b4a5d91",
    "state": "unknown",
    "endpoint": {
        "id": "019c1f0e-7c1a-7b7e-9d0a-3f1c2b4a5d92",
        "name": "CRM",
        "buyer": {"id": "01a20094-bea0-77d3-8654-5bf8dc1649ca", "name": "Acme Roofing"},
        "source": None,
    },
    "event": None,
    "lead_id": "01a20094-d901-71ad-ae8f-8ccbb726000e",
    "assignment_id": "019c1f0e-7c1a-7b7e-9d0a-3f1c2b4a5d93",
    "is_direct_post": True,
    "is_test": False,
    "tries": 11,
    "created_at": "2026-01-31T17:00:00Z",
    "first_try_at": "2026-01-31T17:00:00.020000Z",
    "next_try_at": None,
    "ended_at": None,
    "end_reason": "answer_timeout",
    "ended_by": "",
    "price_cents": None,
}
REQUEST: Final[dict[str, Any]] = {
    "number": 11,
    "started_at": "2026-01-31T17:31:21Z",
    "finished_at": "2026-01-31T17:31:36Z",
    "outcome": "unknown",
    "status_code": None,
    "duration_ms": 15_000,
    "error": "answer_timeout",
    "request_head": "POST /leads HTTP/1.1\r\nHost: crm.example.com",
    "request_body": '{"phone": "+14045550123"}',
    "answer_head": "",
    "answer_body": "",
}
LIST_DELIVERIES: Final = document(
    "deliveries_list",
    "Deliveries, newest first",
    description="Without their requests. `state=unknown` lists those that wait for a decision.",
    parameters=[
        OpenApiParameter(
            "state",
            enum=[state.value for state in STATES],
            description="Only those with this state. Ended ones cannot be asked for: leave it out.",
        ),
        OpenApiParameter("lead", type=OpenApiTypes.UUID, description="Only those about this lead."),
        OpenApiParameter("endpoint", type=OpenApiTypes.UUID, description="Only those to this endpoint."),
        *(LIMIT, CURSOR, *LIMIT_HEADERS),
    ],
    responses={200: DeliveryPage, **describe_errors(404)},
    examples=example({"results": [DELIVERY], "next_cursor": None}),
)
GET_DELIVERY: Final = document(
    "deliveries_retrieve",
    "One delivery with every request",
    description="With the bodies of requests and answers, which have contact details.",
    parameters=LIMIT_HEADERS,
    responses={200: DeliveryWithRequestsDocument, **describe_errors(404)},
    examples=example({**DELIVERY, "requests": [REQUEST]}),
)
RESOLVE: Final = document(
    "deliveries_resolve",
    "Decide a delivery that has no end",
    description="`accepted`: the buyer has the lead; a held price is charged. `rejected`: the buyer does not have it; "
    "a held price is released, and the next buyer is asked. 409 if it has ended or is being sent right now; the error "
    "has its `state`.",
    request={"application/json": ResolutionDocument},
    parameters=LIMIT_HEADERS,
    responses={
        200: OpenApiResponse(DeliveryDocument, description="The delivery with its end."),
        **describe_errors(404, 409, 411, 413, 415),
    },
    examples=example(
        {
            **DELIVERY,
            "state": "accepted",
            "ended_at": "2026-01-31T18:00:00Z",
            "end_reason": "found in the CRM",
            "ended_by": "workspace key Reviews (Zx8cVb2n)",
        }
    ),
)
RESEND: Final = document(
    "deliveries_resend",
    "Send a delivery again",
    description="As soon as possible. Without an end it is the same message with the same id. With an end it is a new "
    "message with a new id, so the receiver may get the lead twice. Send an Idempotency-Key, so that a repeat of the "
    "request sends nothing. 409 if it cannot be sent again; the error has its `state`.",
    request={"application/json": ResendingDocument},
    parameters=[
        IDEMPOTENCY_KEY,
        describe_header("Idempotency-Replayed", REPLAYED, 202),
        *LIMIT_HEADERS,
    ],
    responses={
        202: OpenApiResponse(DeliveryDocument, description="The delivery that is due now."),
        **describe_errors(404, 409, 411, 413, 415, 422),
    },
    examples=example({**DELIVERY, "state": "pending", "next_try_at": "2026-01-31T18:00:00Z"}, "202"),
)

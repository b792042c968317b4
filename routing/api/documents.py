"""What the OpenAPI schema says about the intake. Nothing here runs when a request comes in."""

from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_field,
)
from rest_framework import serializers

from routing.leads.actions import MAX_REASON
from routing.models import LeadStatus
from tracing.models import AttemptResult
from tracing.vocabulary import CORRECTIONS


def _text(max_length: int, help_text: str = "") -> serializers.CharField:
    """A text that may be left out, null or blank: all three mean that there is none."""
    return serializers.CharField(
        max_length=max_length, help_text=help_text, required=False, allow_null=True, allow_blank=True
    )


class ConsentDocument(serializers.Serializer[Any]):
    """Proof that the person agreed to be contacted."""

    given_at = serializers.DateTimeField(help_text="When the person agreed, with a UTC offset.")
    text = _text(4_000, "What the person agreed to.")
    ip = _text(50)
    url = _text(2_000, "The page of the form.")
    token = _text(500, "A certificate's token.")


@extend_schema_field({"type": "object", "additionalProperties": True})
class AttributesDocument(serializers.JSONField):
    """Any object of at most 100 keys."""


class NewLead(serializers.Serializer[Any]):
    """One person's request. An e-mail address or a phone number is required.

    A lenient source may send any other field: it becomes an attribute. What could not be read is left out, and named in
    `warnings`.
    """

    zip = serializers.CharField(max_length=20, help_text="Five digits, or ZIP+4; elsewhere the postal code.")
    email = _text(254)
    phone = _text(60, "Any notation; stored as E.164, with its extension apart.")
    phone_extension = _text(60, "Up to 15 digits, if it is not in the phone.")
    vertical = _text(200, "What it is about. Without it, the source's default.")
    first_name = _text(100)
    last_name = _text(100)
    address = _text(200)
    city = _text(100)
    state = _text(50, "Two letters; the ZIP code decides where they differ.")
    country = _text(50, "ISO 3166; US when left out.")
    attributes = AttributesDocument(
        required=False, allow_null=True, help_text="Free facts that conditions can read."
    )
    consent = ConsentDocument(required=False, allow_null=True)
    external_id = _text(100, "Your own id: the same one again is refused with 409.")


class NewBatch(serializers.Serializer[Any]):
    leads = serializers.ListField(
        child=NewLead(), min_length=1, max_length=1_000, help_text="Each is judged on its own."
    )


class Warning(serializers.Serializer[Any]):
    field = serializers.CharField(help_text="The field, or the key as it came.")
    code = serializers.ChoiceField(choices=sorted(CORRECTIONS))
    received = serializers.JSONField(
        allow_null=True, help_text="What came, in the answer to what was sent only; null later."
    )
    message = serializers.CharField(help_text="What was done.")


class IncompleteDocument(serializers.Serializer[Any]):
    message = serializers.CharField()
    url = serializers.CharField(help_text="Ask here again.")


class LeadAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    external_id = serializers.CharField(allow_blank=True)
    status = serializers.ChoiceField(choices=LeadStatus.choices)
    result = serializers.ChoiceField(
        choices=AttemptResult.choices,
        allow_null=True,
        help_text="How the last attempt ended; null before it.",
    )
    reason = serializers.CharField(
        allow_null=True,
        help_text="Code of why it was not sold. Of a lead that was sent on to a partner only what lies in the lead.",
    )
    message = serializers.CharField(allow_null=True, help_text="The reason as a sentence.")
    buyers = serializers.IntegerField(
        allow_null=True,
        help_text="To how many its last attempt sold it; 0: to none, or all have returned it. Null: not known yet.",
    )
    duplicate_of = serializers.UUIDField(
        allow_null=True,
        help_text="Of a duplicate: your lead of the same person that came first, if it was yours.",
    )
    received_at = serializers.DateTimeField()
    next_attempt_at = serializers.DateTimeField(
        allow_null=True, help_text="When it is tried next; null: never."
    )
    warnings = Warning(many=True, help_text="What was left out or corrected; empty: nothing.")
    incomplete = IncompleteDocument(
        required=False,
        help_text="Only when something could not be read right after it was stored. What is given besides is stored.",
    )


class LeadDetail(LeadAnswer):
    vertical = serializers.CharField()
    zip = serializers.CharField()
    attempts = serializers.IntegerField()
    expires_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    cancel_reason = serializers.CharField(allow_null=True)


class FieldProblem(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()


class ErrorBody(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()
    fields = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=FieldProblem()),
        required=False,
        help_text="Only with validation_failed: what is wrong, by the path of the field.",
    )
    lead_id = serializers.UUIDField(required=False, help_text="The lead that has this external_id.")
    status = serializers.CharField(required=False, help_text="How the lead has ended.")


class ErrorAnswer(serializers.Serializer[Any]):
    error = ErrorBody()


class BatchResult(serializers.Serializer[Any]):
    index = serializers.IntegerField()
    status = serializers.ChoiceField(choices=["accepted", "rejected"])
    id = serializers.UUIDField(required=False, help_text="Only when accepted.")
    warnings = Warning(many=True, required=False, help_text="Only when accepted.")
    error = ErrorBody(required=False, help_text="Only when rejected.")


class BatchAnswer(serializers.Serializer[Any]):
    accepted = serializers.IntegerField()
    rejected = serializers.IntegerField()
    results = BatchResult(many=True)


ERRORS: Final = {
    400: "Not valid JSON (malformed), or wrong fields or parameters (validation_failed).",
    401: "No usable key of the right kind.",
    403: "The key lacks the scope that this needs.",
    404: "There is nothing here, or it is not yours.",
    409: "In conflict with what is there.",
    411: "The body has no Content-Length.",
    413: "The body is too large.",
    415: "The body is neither JSON in UTF-8 nor, for one lead, a form.",
    422: "The Idempotency-Key came before with another body.",
    429: "This key asks too fast: try again after the seconds in Retry-After.",
    503: "The database does not answer: try again in a moment.",
}
IDEMPOTENCY_KEY: Final = OpenApiParameter(
    "Idempotency-Key",
    location=OpenApiParameter.HEADER,
    type={"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[\x20-\x7e]+$"},
    description="Makes it safe to send the request again: for 24 hours the same key and body get the same answer."
    " Keys belong to the source; the order of JSON keys does not matter.",
)
PREFER: Final = OpenApiParameter(
    "Prefer",
    location=OpenApiParameter.HEADER,
    type={"type": "string", "pattern": "^wait=[0-9]+$"},
    description="`wait=N`: decide while I wait, up to N seconds (at most 30), and answer with the decision.",
)
REASON: Final = OpenApiParameter(
    "reason", type={"type": "string", "maxLength": MAX_REASON}, description="Why. Name no person in it."
)
WARNING: Final = {
    "field": "email",
    "code": "dropped",
    "received": "n/a",
    "message": "says that there is none: left out",
}
LEAD_EXAMPLE: Final = OpenApiExample(
    "A roofing lead",
    value={
        "first_name": "Ada",
        "last_name": "Example",
        "email": "ada@example.com",
        "phone": "(404) 881-2345",
        "zip": "30312",
        "vertical": "roofing",
        "attributes": {"roof_age": 12, "property_type": "residential"},
        "consent": {"given_at": "2026-01-31T12:00:00Z", "url": "https://example.com/roofing"},
        "external_id": "form-4711",
    },
    request_only=True,
)
PENDING_EXAMPLE: Final = OpenApiExample(
    "Taken in",
    value={
        "id": "019c1f0e-7c1a-7b7e-9d0a-3f1c2b4a5d6e",
        "external_id": "form-4711",
        "status": "pending",
        "result": None,
        "reason": None,
        "message": None,
        "buyers": None,
        "duplicate_of": None,
        "received_at": "2026-01-31T12:00:01.250000Z",
        "next_attempt_at": "2026-01-31T12:00:01.250000Z",
        "warnings": [WARNING],
    },
    response_only=True,
    status_codes=["201"],
)
SOLD_EXAMPLE: Final = OpenApiExample(
    "Decided while the sender waited",
    value={
        "id": "019c1f0e-7c1a-7b7e-9d0a-3f1c2b4a5d6e",
        "external_id": "form-4711",
        "status": "distributed",
        "result": "success",
        "reason": None,
        "message": None,
        "buyers": 1,
        "duplicate_of": None,
        "received_at": "2026-01-31T12:00:01.250000Z",
        "next_attempt_at": None,
        "warnings": [],
    },
    response_only=True,
    status_codes=["201"],
)
_DETAIL: Final[dict[str, Any]] = {
    "id": "019c1f0e-7c1a-7b7e-9d0a-3f1c2b4a5d6e",
    "external_id": "form-4711",
    "status": "failed",
    "result": "unsold",
    "reason": "insufficient_credits",
    "message": "No remaining buyer has enough credits.",
    "buyers": 0,
    "duplicate_of": None,
    "received_at": "2026-01-31T12:00:01.250000Z",
    "next_attempt_at": None,
    "warnings": [],
    "vertical": "roofing",
    "zip": "30312",
    "attempts": 1,
    "expires_at": "2026-05-01T12:00:01.250000Z",
    "finished_at": "2026-01-31T12:00:01.300000Z",
    "cancel_reason": None,
}
FAILED_EXAMPLE: Final = OpenApiExample("Not sold", value=_DETAIL, response_only=True, status_codes=["200"])
CANCELLED_EXAMPLE: Final = OpenApiExample(
    "Cancelled",
    value={
        **_DETAIL,
        **dict.fromkeys(("result", "reason", "message", "buyers")),
        "status": "cancelled",
        "attempts": 0,
        "cancel_reason": "asked twice",
    },
    response_only=True,
    status_codes=["200"],
)
WAITING_EXAMPLE: Final = OpenApiExample(
    "Due now",
    value={
        **_DETAIL,
        **dict.fromkeys(("result", "reason", "message", "buyers", "finished_at")),
        "status": "pending",
        "attempts": 0,
        "next_attempt_at": "2026-01-31T12:00:02.125000Z",
    },
    response_only=True,
    status_codes=["202"],
)
ENDED_EXAMPLE: Final = OpenApiExample(
    "It has ended",
    value={
        "error": {
            "code": "validation_failed",
            "message": "Wrong: status. See fields.",
            "fields": {
                "status": [
                    {
                        "code": "not_waiting",
                        "message": "it has ended as distributed; only a lead that waits can be dispatched",
                    }
                ]
            },
        }
    },
    response_only=True,
    status_codes=["400"],
)
RUNNING_EXAMPLE: Final = OpenApiExample(
    "It is running",
    value={"error": {"code": "conflict", "message": "Not now: it is being worked on at this moment."}},
    response_only=True,
    status_codes=["409"],
)
INVALID_EXAMPLE: Final = OpenApiExample(
    "Wrong fields",
    value={
        "error": {
            "code": "validation_failed",
            "message": "Wrong: zip. See fields.",
            "fields": {"zip": [{"code": "unknown", "message": "is not a ZIP code in use: check the digits"}]},
        }
    },
    response_only=True,
    status_codes=["400"],
)
BATCH_EXAMPLE: Final = OpenApiExample(
    "One of two is wrong",
    value={
        "accepted": 1,
        "rejected": 1,
        "results": [
            {
                "index": 0,
                "status": "accepted",
                "id": "019c1f0e-7c1a-7b7e-9d0a-3f1c2b4a5d6e",
                "warnings": [WARNING],
            },
            {
                "index": 1,
                "status": "rejected",
                "error": {
                    "code": "validation_failed",
                    "message": "Wrong: zip. See fields.",
                    "fields": {"zip": [{"code": "required", "message": "is required: send it"}]},
                },
            },
        ],
    },
    response_only=True,
    status_codes=["200"],
)


def describe_errors(*codes: int) -> dict[int, OpenApiResponse]:
    """The errors of an operation: `codes`, and those that every operation can answer with."""
    every = sorted({*codes, 400, 401, 403, 429, 503})
    return {code: OpenApiResponse(ErrorAnswer, description=ERRORS[code]) for code in every}


def _header(name: str, description: str, *codes: int) -> OpenApiParameter:
    return OpenApiParameter(
        name,
        type=OpenApiTypes.STR,
        location=OpenApiParameter.HEADER,
        response=list(codes),
        description=description,
    )


RATE_HEADERS: Final = [
    OpenApiParameter(
        name,
        type=OpenApiTypes.INT,
        location=OpenApiParameter.HEADER,
        response=[200, 201, 202, 429],
        description=description,
    )
    for name, description in (
        ("RateLimit-Limit", "How many requests this key may send at once after a rest."),
        ("RateLimit-Remaining", "How many of them are left."),
        ("RateLimit-Reset", "Seconds until all of them are back."),
    )
]
RETRY_AFTER: Final = OpenApiParameter(
    "Retry-After",
    type=OpenApiTypes.INT,
    location=OpenApiParameter.HEADER,
    response=[429, 503],
    description="Seconds after which to try again.",
)
LIMIT_HEADERS: Final = [*RATE_HEADERS, RETRY_AFTER]
TOO_FAST_EXAMPLE: Final = OpenApiExample(
    "Too fast",
    value={
        "error": {
            "code": "rate_limited",
            "message": "Request was throttled. Expected available in 3 seconds.",
        }
    },
    response_only=True,
    status_codes=["429"],
)
UNKNOWN_EXAMPLE: Final = OpenApiExample(
    "No such key",
    value={"error": {"code": "unauthorized", "message": "No such source key."}},
    response_only=True,
    status_codes=["401"],
)
REPLAYED: Final = "`true` when this is the stored answer of the first request."

POST_LEAD: Final = extend_schema(
    operation_id="leads_create",
    summary="Send a lead",
    description="Stores the lead and answers at once; the workers decide. `Prefer: wait=N` waits for the decision. A"
    " form may be sent instead of JSON: names nest with brackets, such as `consent[given_at]`.",
    tags=["leads"],
    request={
        "application/json": NewLead,
        "application/x-www-form-urlencoded": NewLead,
        "multipart/form-data": NewLead,
    },
    responses={
        201: OpenApiResponse(LeadAnswer, description="The lead is stored."),
        **describe_errors(409, 411, 413, 415, 422),
    },
    parameters=[
        IDEMPOTENCY_KEY,
        PREFER,
        _header("Location", "Where the lead can be looked up.", 201),
        _header("Preference-Applied", "The wait that was granted.", 201),
        _header("Idempotency-Replayed", REPLAYED, 201),
        *LIMIT_HEADERS,
    ],
    examples=[
        *(LEAD_EXAMPLE, PENDING_EXAMPLE, SOLD_EXAMPLE),
        *(INVALID_EXAMPLE, UNKNOWN_EXAMPLE, TOO_FAST_EXAMPLE),
    ],
)
POST_BATCH: Final = extend_schema(
    operation_id="leads_batch_create",
    summary="Send up to 1,000 leads",
    description="Each lead is stored or refused on its own; the results come in the order of the leads.",
    tags=["leads"],
    request=NewBatch,
    responses={
        200: OpenApiResponse(BatchAnswer, description="A result for each lead."),
        **describe_errors(409, 411, 413, 415, 422),
    },
    parameters=[IDEMPOTENCY_KEY, _header("Idempotency-Replayed", REPLAYED, 200), *LIMIT_HEADERS],
    examples=[BATCH_EXAMPLE, UNKNOWN_EXAMPLE, TOO_FAST_EXAMPLE],
)
GET_LEAD: Final = extend_schema(
    operation_id="leads_retrieve",
    summary="Look a lead up",
    tags=["leads"],
    parameters=LIMIT_HEADERS,
    responses={200: LeadDetail, **describe_errors(404)},
    examples=[FAILED_EXAMPLE, UNKNOWN_EXAMPLE, TOO_FAST_EXAMPLE],
)
DELETE_LEAD: Final = extend_schema(
    operation_id="leads_cancel",
    summary="Cancel a lead",
    description="Possible until it has ended; 409 with its status after that. Cancelling twice is no error.",
    tags=["leads"],
    parameters=[REASON, *LIMIT_HEADERS],
    responses={200: LeadDetail, **describe_errors(404, 409)},
    examples=[CANCELLED_EXAMPLE, UNKNOWN_EXAMPLE, TOO_FAST_EXAMPLE],
)
DISPATCH_NOW: Final = extend_schema(
    operation_id="leads_dispatch_now",
    summary="Try a waiting lead now",
    description="Makes a lead that waits for its time due now and hands it to the workers, under every rule that holds"
    " for a first try: hours, caps, credits, pauses. Idempotent while it is due. 400 when it has ended or an operator"
    " holds it back, 409 while it is being worked on, 429 when this lead was tried on request too often.",
    tags=["leads"],
    request=None,
    parameters=LIMIT_HEADERS,
    responses={
        202: OpenApiResponse(LeadDetail, description="It is due; look it up to see what became of it."),
        **describe_errors(404, 409),
    },
    examples=[WAITING_EXAMPLE, ENDED_EXAMPLE, RUNNING_EXAMPLE, UNKNOWN_EXAMPLE, TOO_FAST_EXAMPLE],
)

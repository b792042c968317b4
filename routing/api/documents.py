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
    """An optional text. Missing, null and blank all mean that there is none."""
    return serializers.CharField(
        max_length=max_length, help_text=help_text, required=False, allow_null=True, allow_blank=True
    )


class ConsentDocument(serializers.Serializer[Any]):
    """Proof that the person agreed to be contacted."""

    given_at = serializers.DateTimeField(help_text="When the person gave consent, with a UTC offset.")
    text = _text(4_000, "The text the person agreed to.")
    ip = _text(50)
    url = _text(2_000, "URL of the form page.")
    token = _text(500, "Token of a consent certificate.")


@extend_schema_field({"type": "object", "additionalProperties": True})
class AttributesDocument(serializers.JSONField):
    """Any object of at most 100 keys."""


class NewLead(serializers.Serializer[Any]):
    """One person's request. An e-mail address or a phone number is required.

    A lenient source may send any other field: it becomes an attribute. What could not be read is left out, and named in
    `warnings`.
    """

    zip = serializers.CharField(
        max_length=20, help_text="Five digits or ZIP+4. Outside the US, the postal code."
    )
    email = _text(254)
    phone = _text(60, "Any format. Stored as E.164, with the extension in its own field.")
    phone_extension = _text(60, "Up to 15 digits, if not part of the phone.")
    vertical = _text(200, "Vertical of the lead. Defaults to the source's vertical.")
    first_name = _text(100)
    last_name = _text(100)
    address = _text(200)
    city = _text(100)
    state = _text(50, "Two letters. If it does not match the ZIP code, the ZIP code is used.")
    country = _text(50, "ISO 3166 code. Defaults to US.")
    attributes = AttributesDocument(
        required=False, allow_null=True, help_text="Additional data that conditions can use."
    )
    consent = ConsentDocument(required=False, allow_null=True)
    external_id = _text(100, "Your own id for the lead. Sending the same id again returns 409.")


class NewBatch(serializers.Serializer[Any]):
    leads = serializers.ListField(
        child=NewLead(),
        min_length=1,
        max_length=1_000,
        help_text="Each lead is stored or refused separately.",
    )


class Warning(serializers.Serializer[Any]):
    field = serializers.CharField(help_text="The field, or the key as you sent it.")
    code = serializers.ChoiceField(choices=sorted(CORRECTIONS))
    received = serializers.JSONField(
        allow_null=True,
        help_text="The value you sent. Only in the response to the request; null in later reads.",
    )
    message = serializers.CharField(help_text="What was changed.")


class IncompleteDocument(serializers.Serializer[Any]):
    message = serializers.CharField()
    url = serializers.CharField(help_text="URL of this lead.")


class LeadAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    external_id = serializers.CharField(allow_blank=True)
    status = serializers.ChoiceField(choices=LeadStatus.choices)
    result = serializers.ChoiceField(
        choices=AttemptResult.choices,
        allow_null=True,
        help_text="Result of the latest attempt. Null before the first.",
    )
    reason = serializers.CharField(
        allow_null=True,
        help_text="Code of why it was not sold. For a lead that was routed to a partner, only reasons that concern the "
        "lead itself.",
    )
    message = serializers.CharField(allow_null=True, help_text="The reason as a sentence.")
    buyers = serializers.IntegerField(
        allow_null=True,
        help_text="Number of buyers the latest attempt sold it to. 0: none, or all returned it. Null: not known yet.",
    )
    duplicate_of = serializers.UUIDField(
        allow_null=True,
        help_text="For a duplicate: your first lead of the same person, if that lead is yours.",
    )
    received_at = serializers.DateTimeField()
    next_attempt_at = serializers.DateTimeField(
        allow_null=True, help_text="When it is tried next. Null: never."
    )
    warnings = Warning(many=True, help_text="Values that were dropped or corrected. Empty: none.")
    incomplete = IncompleteDocument(
        required=False,
        help_text="Only if the lead was stored but could not be read back completely. Other fields are correct.",
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
        help_text="Only with validation_failed: what is wrong, by field path.",
    )
    lead_id = serializers.UUIDField(required=False, help_text="The lead that has this external_id.")
    status = serializers.CharField(required=False, help_text="Final status of the lead.")


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
    400: "Invalid JSON (malformed), or invalid fields or parameters (validation_failed).",
    401: "Missing or invalid API key.",
    403: "The key does not have the required scope.",
    404: "Not found, or it belongs to someone else.",
    409: "Conflicts with existing data.",
    411: "The request has no Content-Length.",
    413: "The body is too large.",
    415: "The body is not JSON in UTF-8 or, for a single lead, a form.",
    422: "The Idempotency-Key was already used with another body.",
    429: "Too many requests with this key. Try again after the number of seconds in Retry-After.",
    503: "The database is not available. Try again in a moment.",
}
IDEMPOTENCY_KEY: Final = OpenApiParameter(
    "Idempotency-Key",
    location=OpenApiParameter.HEADER,
    type={"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[\x20-\x7e]+$"},
    description="Makes it safe to retry the request. For 24 hours the same key and body return the same response. Keys "
    "belong to the source. The order of JSON keys does not matter.",
)
PREFER: Final = OpenApiParameter(
    "Prefer",
    location=OpenApiParameter.HEADER,
    type={"type": "string", "pattern": "^wait=[0-9]+$"},
    description="`wait=N`: wait up to N seconds (at most 30) for the decision and return it.",
)
REASON: Final = OpenApiParameter(
    "reason",
    type={"type": "string", "maxLength": MAX_REASON},
    description="Reason. Do not include names or contact details.",
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
    "Accepted",
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
    "Decided while waiting",
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
    "Already finished",
    value={
        "error": {
            "code": "validation_failed",
            "message": "Wrong: status. See fields.",
            "fields": {
                "status": [
                    {
                        "code": "not_waiting",
                        "message": "it is finished (distributed); only a waiting lead can be dispatched",
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
    value={"error": {"code": "conflict", "message": "Not now: it is being processed right now."}},
    response_only=True,
    status_codes=["409"],
)
INVALID_EXAMPLE: Final = OpenApiExample(
    "Invalid fields",
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
    "One of two is invalid",
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
        ("RateLimit-Limit", "Maximum burst of requests for this key."),
        ("RateLimit-Remaining", "Requests left in the burst."),
        ("RateLimit-Reset", "Seconds until the full burst is available again."),
    )
]
RETRY_AFTER: Final = OpenApiParameter(
    "Retry-After",
    type=OpenApiTypes.INT,
    location=OpenApiParameter.HEADER,
    response=[429, 503],
    description="Seconds to wait before you try again.",
)
LIMIT_HEADERS: Final = [*RATE_HEADERS, RETRY_AFTER]
TOO_FAST_EXAMPLE: Final = OpenApiExample(
    "Rate limited",
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
    "Unknown key",
    value={"error": {"code": "unauthorized", "message": "Unknown source key."}},
    response_only=True,
    status_codes=["401"],
)
REPLAYED: Final = "`true` if this is the stored response to the first request."

POST_LEAD: Final = extend_schema(
    operation_id="leads_create",
    summary="Send a lead",
    description="Stores the lead and responds immediately. Workers distribute it. `Prefer: wait=N` waits for the "
    "result. You can send a form instead of JSON, with brackets for nested names, such as `consent[given_at]`.",
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
        _header("Location", "URL of the lead.", 201),
        _header("Preference-Applied", "The wait that was applied.", 201),
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
    description="Each lead is stored or refused separately. Results are in the order of the leads.",
    tags=["leads"],
    request=NewBatch,
    responses={
        200: OpenApiResponse(BatchAnswer, description="One result per lead."),
        **describe_errors(409, 411, 413, 415, 422),
    },
    parameters=[IDEMPOTENCY_KEY, _header("Idempotency-Replayed", REPLAYED, 200), *LIMIT_HEADERS],
    examples=[BATCH_EXAMPLE, UNKNOWN_EXAMPLE, TOO_FAST_EXAMPLE],
)
GET_LEAD: Final = extend_schema(
    operation_id="leads_retrieve",
    summary="Look up a lead",
    tags=["leads"],
    parameters=LIMIT_HEADERS,
    responses={200: LeadDetail, **describe_errors(404)},
    examples=[FAILED_EXAMPLE, UNKNOWN_EXAMPLE, TOO_FAST_EXAMPLE],
)
DELETE_LEAD: Final = extend_schema(
    operation_id="leads_cancel",
    summary="Cancel a lead",
    description="Possible until the lead is finished; after that, 409 with its status. Idempotent.",
    tags=["leads"],
    parameters=[REASON, *LIMIT_HEADERS],
    responses={200: LeadDetail, **describe_errors(404, 409)},
    examples=[CANCELLED_EXAMPLE, UNKNOWN_EXAMPLE, TOO_FAST_EXAMPLE],
)
DISPATCH_NOW: Final = extend_schema(
    operation_id="leads_dispatch_now",
    summary="Try a waiting lead now",
    description="Makes a waiting lead due now and queues it, under the same rules as a first try: hours, caps, "
    "credits, pauses. Idempotent while it is due. 400 if the lead is finished or paused by an operator, 409 while "
    "it is being processed, 429 if it was tried on request too often.",
    tags=["leads"],
    request=None,
    parameters=LIMIT_HEADERS,
    responses={
        202: OpenApiResponse(LeadDetail, description="The lead is due. Look it up to see the result."),
        **describe_errors(404, 409),
    },
    examples=[WAITING_EXAMPLE, ENDED_EXAMPLE, RUNNING_EXAMPLE, UNKNOWN_EXAMPLE, TOO_FAST_EXAMPLE],
)

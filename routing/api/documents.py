"""What the OpenAPI schema says about the intake. Nothing here runs when a request comes in."""

from typing import Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

from routing.api.examples import (
    BATCH_EXAMPLE,
    CANCELLED_EXAMPLE,
    ENDED_EXAMPLE,
    FAILED_EXAMPLE,
    INVALID_EXAMPLE,
    LEAD_EXAMPLE,
    PENDING_EXAMPLE,
    RUNNING_EXAMPLE,
    SOLD_EXAMPLE,
    TOO_FAST_EXAMPLE,
    UNKNOWN_EXAMPLE,
    WAITING_EXAMPLE,
)
from routing.api.schemas import (
    BatchAnswer,
    ErrorAnswer,
    LeadAnswer,
    LeadDetail,
    NewBatch,
    NewLead,
)
from routing.leads.actions import MAX_REASON

ERRORS: Final = {
    400: "Invalid JSON (malformed), or invalid fields or parameters (validation_failed).",
    401: "Missing or invalid API key.",
    403: "The key does not have the required scope.",
    404: "Not found, or it belongs to another account.",
    409: "Conflicts with existing data.",
    411: "The request has no Content-Length.",
    412: "It was changed after it was read: the ETag sent in If-Match is not the present one.",
    413: "The body is too large.",
    415: "The body is not JSON in UTF-8 or, for a single lead, a form.",
    422: "The Idempotency-Key was already used with another body, or ping and lead do not fit together.",
    428: "The header If-Match is missing.",
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


def describe_errors(*codes: int) -> dict[int, OpenApiResponse]:
    """The errors of an operation: `codes`, and those that every operation can answer with."""
    every = sorted({*codes, 400, 401, 403, 429, 503})
    return {code: OpenApiResponse(ErrorAnswer, description=ERRORS[code]) for code in every}


def describe_header(name: str, description: str, *codes: int) -> OpenApiParameter:
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
        describe_header("Location", "URL of the lead.", 201),
        describe_header("Preference-Applied", "The wait that was applied.", 201),
        describe_header("Idempotency-Replayed", REPLAYED, 201),
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
    description="Each lead is stored or rejected separately. Results are in the order of the leads.",
    tags=["leads"],
    request=NewBatch,
    responses={
        200: OpenApiResponse(BatchAnswer, description="One result per lead."),
        **describe_errors(409, 411, 413, 415, 422),
    },
    parameters=[IDEMPOTENCY_KEY, describe_header("Idempotency-Replayed", REPLAYED, 200), *LIMIT_HEADERS],
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
    description="Makes a waiting lead due now and queues it, under the same rules as a first attempt: hours, caps, "
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

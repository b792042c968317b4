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

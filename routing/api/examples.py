"""The examples in the OpenAPI schema of the sources API."""

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample

from routing.api.keyfinder import describe_unknown_key

WARNING: Final = {
    "field": "email",
    "code": "dropped",
    "received": "n/a",
    "message": "says that there is no value: left out",
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
        "is_test": False,
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
        "is_test": False,
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
    "is_test": False,
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
    "verification": "",
    "verified_at": None,
}
FAILED_EXAMPLE: Final = OpenApiExample("Not sold", value=_DETAIL, response_only=True, status_codes=["200"])
CANCELLED_EXAMPLE: Final = OpenApiExample(
    "Canceled",
    value={
        **_DETAIL,
        **dict.fromkeys(("result", "reason", "message", "buyers")),
        "status": "cancelled",
        "attempts": 0,
        "cancel_reason": "requested twice",
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
            "message": "Validation failed: status. Details are in `fields`.",
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
    "Being processed",
    value={
        "error": {
            "code": "conflict",
            "message": "The lead cannot be dispatched now: it is being processed; try again in a moment.",
        }
    },
    response_only=True,
    status_codes=["409"],
)
INVALID_EXAMPLE: Final = OpenApiExample(
    "Invalid fields",
    value={
        "error": {
            "code": "validation_failed",
            "message": "Validation failed: zip. Details are in `fields`.",
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
                    "message": "Validation failed: zip. Details are in `fields`.",
                    "fields": {"zip": [{"code": "required", "message": "is required: send it"}]},
                },
            },
        ],
    },
    response_only=True,
    status_codes=["200"],
)
TOO_FAST_EXAMPLE: Final = OpenApiExample(
    "Rate limited",
    value={
        "error": {
            "code": "rate_limited",
            "message": "Too many requests. Try again in 3 seconds.",
        }
    },
    response_only=True,
    status_codes=["429"],
)
UNKNOWN_EXAMPLE: Final = OpenApiExample(
    "Unknown key",
    value={"error": {"code": "unauthorized", "message": describe_unknown_key("source")}},
    response_only=True,
    status_codes=["401"],
)

"""The OpenAPI schema of returns. The documents mirror distribution.api.returnanswers; a test compares them."""

from collections.abc import Callable
from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from distribution.api import buyerexamples as examples
from distribution.api.buyerdocuments import CURSOR, LIMIT, Operation
from distribution.configuration.return_reasons import BUYER_CHOICES, REASON_CHOICES
from distribution.models import EvidenceKind, ReturnLimit, ReturnPeriod, ReturnState
from distribution.models.returning import MAX_TEXT
from distribution.returns.evidence import EXTENSIONS
from routing.api.documents import IDEMPOTENCY_KEY, LIMIT_HEADERS, REPLAYED, describe_errors, describe_header


class ReturnFileDocument(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    content_type = serializers.CharField(help_text="Found from the first bytes of the file.")
    size_bytes = serializers.IntegerField()


class ReturnDocument(serializers.Serializer[Any]):
    """A request to give a lead back."""

    id = serializers.UUIDField()
    assignment_id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=ReturnState.choices)
    reason = serializers.ChoiceField(choices=REASON_CHOICES)
    text = serializers.CharField(help_text="Evidence as text.")
    amount_cents = serializers.IntegerField(
        allow_null=True, help_text="What you asked for. Null: a full return."
    )
    files = ReturnFileDocument(many=True)
    requested_at = serializers.DateTimeField()
    decided_at = serializers.DateTimeField(allow_null=True)
    is_automatic = serializers.BooleanField(help_text="Approved at once by the return policy.")
    decision_reason = serializers.CharField(help_text="Why it was declined, or a note on the approval.")
    refund_cents = serializers.IntegerField(allow_null=True, help_text="Paid back. Null unless approved.")
    is_full = serializers.BooleanField(
        allow_null=True, help_text="The lead was taken back. False: you keep it. Null unless approved."
    )


class ReturnPage(serializers.Serializer[Any]):
    results = ReturnDocument(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class ReasonDocument(serializers.Serializer[Any]):
    code = serializers.ChoiceField(choices=BUYER_CHOICES)
    meaning = serializers.CharField()
    advice = serializers.CharField(help_text="What to send as evidence.")


LimitDocument: Final = type(
    "LimitDocument",
    (serializers.Serializer,),
    {
        "__doc__": "Your limit in the current period. Leads, or cents for a percentage of the money spent.",
        "basis": serializers.ChoiceField(choices=ReturnLimit.choices),
        "value": serializers.IntegerField(allow_null=True),
        "period": serializers.ChoiceField(choices=ReturnPeriod.choices),
        "from": serializers.DateField(),
        "to": serializers.DateField(),
        "allowed": serializers.IntegerField(),
        "used": serializers.IntegerField(),
        "left": serializers.IntegerField(),
    },
)  # `from` is no name that Python allows in a class


class PolicyDocument(serializers.Serializer[Any]):
    accepts_returns = serializers.BooleanField()
    window_hours = serializers.IntegerField(allow_null=True, help_text="Hours after the sale.")
    evidence = serializers.ChoiceField(
        choices=EvidenceKind.choices, allow_null=True, help_text="What a request must include."
    )
    reasons = ReasonDocument(many=True, help_text="The reasons that are accepted.")
    limit = LimitDocument(allow_null=True, help_text="Null: no limit.")


class AskDocument(serializers.Serializer[Any]):
    reason = serializers.CharField(help_text="A code of the return policy.")
    text = serializers.CharField(required=False, allow_blank=True, max_length=MAX_TEXT, help_text="Evidence.")
    amount_cents = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        help_text="A part of the charge. You keep the lead. Left out: you give the lead back and get all of it.",
    )


class FileDocument(serializers.Serializer[Any]):
    file = serializers.FileField(help_text=f"One of {', '.join(EXTENSIONS)}, at most 5 MiB.")


class AskFormDocument(AskDocument):
    file = serializers.ListField(child=serializers.FileField(), required=False)


RETURN: Final[dict[str, Any]] = {
    "id": "019c1f0e-7c1a-7b7e-9d0a-3f1c2b4a5d90",
    "assignment_id": examples.ASSIGNMENT_ID,
    "state": "requested",
    "reason": "bad_phone",
    "text": "Called on January 31 at 2 PM: the number is not in service.",
    "amount_cents": None,
    "files": [],
    "requested_at": "2026-01-31T19:05:00Z",
    "decided_at": None,
    "is_automatic": False,
    "decision_reason": "",
    "refund_cents": None,
    "is_full": None,
}
POLICY: Final[dict[str, Any]] = {
    "accepts_returns": True,
    "window_hours": 72,
    "evidence": "text",
    "reasons": [
        {
            "code": "bad_phone",
            "meaning": "wrong or disconnected phone number",
            "advice": "Say when you called.",
        }
    ],
    "limit": {
        "basis": "leads_percent",
        "value": 10,
        "period": "month",
        "from": "2026-01-01",
        "to": "2026-01-31",
        "allowed": 4,
        "used": 1,
        "left": 3,
    },
}


def describe_example(value: Any, *codes: str) -> list[OpenApiExample]:
    return [
        OpenApiExample("Success", value=value, response_only=True, status_codes=list(codes)),
        *examples.ERRORS,
    ]


def describe_operation(
    operation_id: str, summary: str, *, description: str = "", **named: Any
) -> Callable[[Operation], Operation]:
    return extend_schema(
        operation_id=operation_id,
        summary=summary,
        description=description or f"{summary}.",
        tags=["buyers"],
        **named,
    )


GET_POLICY: Final = describe_operation(
    "buyer_return_policy",
    "Which leads you may return",
    parameters=LIMIT_HEADERS,
    responses={200: PolicyDocument, **describe_errors()},
    examples=describe_example(POLICY, "200"),
)
POST_RETURN: Final = describe_operation(
    "buyer_returns_create",
    "Ask to return a lead",
    description="For one assignment. Without `amount_cents`, you give the lead back and get all that is left of its "
    "charge. With it, you keep the lead and get that part. It may be approved at once. Send multipart/form-data to add "
    "files. 400 names a wrong field. 409 if the lead cannot be returned: the window or the limit is used up, a return "
    "is already waiting, or you no longer have the lead.",
    request={"application/json": AskDocument, "multipart/form-data": AskFormDocument},
    parameters=[
        IDEMPOTENCY_KEY,
        describe_header("Location", "URL of the return.", 201),
        describe_header("Idempotency-Replayed", REPLAYED, 201),
        *LIMIT_HEADERS,
    ],
    responses={
        201: OpenApiResponse(
            ReturnDocument, description="The request, and its end if it was decided at once."
        ),
        **describe_errors(404, 409, 411, 413, 415, 422),
    },
    examples=describe_example(RETURN, "201"),
)
LIST_RETURNS: Final = describe_operation(
    "buyer_returns_list",
    "Your returns, newest first",
    parameters=[
        OpenApiParameter("state", enum=ReturnState.values, description="Only those with this state."),
        *(LIMIT, CURSOR, *LIMIT_HEADERS),
    ],
    responses={200: ReturnPage, **describe_errors()},
    examples=describe_example({"results": [RETURN], "next_cursor": None}, "200"),
)
GET_RETURN: Final = describe_operation(
    "buyer_returns_retrieve",
    "One of your returns",
    parameters=LIMIT_HEADERS,
    responses={200: ReturnDocument, **describe_errors(404)},
    examples=describe_example(RETURN, "200"),
)
WITHDRAW: Final = describe_operation(
    "buyer_returns_withdraw",
    "Withdraw a return that is not decided",
    description="Idempotent. 409 if it is already approved or declined.",
    request=None,
    parameters=LIMIT_HEADERS,
    responses={200: ReturnDocument, **describe_errors(404, 409)},
    examples=describe_example({**RETURN, "state": "withdrawn", "decided_at": "2026-01-31T20:00:00Z"}, "200"),
)
POST_EVIDENCE: Final = describe_operation(
    "buyer_returns_evidence",
    "Add a file to a return that is not decided",
    description="The same file is stored once. 409 if the return is already decided.",
    request={"multipart/form-data": FileDocument},
    parameters=LIMIT_HEADERS,
    responses={201: ReturnDocument, **describe_errors(404, 409, 411, 413, 415)},
    examples=describe_example(RETURN, "201"),
)

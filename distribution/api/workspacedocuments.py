"""The OpenAPI schema of returns for an agency's programs. A test compares it with distribution.api.workspaceanswers."""

from collections.abc import Callable
from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from distribution.api import buyerexamples
from distribution.api.buyerdocuments import CURSOR, LIMIT, Operation
from distribution.api.returndocuments import RETURN, ReturnDocument
from distribution.models import ReturnState
from routing.api.documents import LIMIT_HEADERS, describe_errors, describe_header
from routing.api.examples import TOO_FAST_EXAMPLE
from routing.api.keyfinder import describe_unknown_key
from tracing.audit import MAX_REASON


class BuyerDocument(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()


class DecidedReturnDocument(ReturnDocument):
    """A return with its buyer, its lead, and who decided."""

    buyer = BuyerDocument()
    lead_id = serializers.UUIDField()
    is_test = serializers.BooleanField(help_text="A test: nothing was charged, and nothing is refunded.")
    sold_at = serializers.DateTimeField()
    price_cents = serializers.IntegerField(help_text="Charged for the lead.")
    left_cents = serializers.IntegerField(
        help_text="Left of the charge after refunds. No refund is more than this."
    )
    requested_by = serializers.CharField(help_text="A person of the agency, or the key of a program.")
    decided_by = serializers.CharField(help_text="Blank until it is decided.")
    is_resold = serializers.BooleanField(help_text="The lead was offered to other buyers.")


class DecidedReturnPage(serializers.Serializer[Any]):
    results = DecidedReturnDocument(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class ApprovalDocument(serializers.Serializer[Any]):
    amount_cents = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        help_text="Left out: as asked. Less than `left_cents`: the buyer keeps the lead. All of it: the lead is taken "
        "back.",
    )
    reason = serializers.CharField(
        required=False,
        allow_null=True,
        allow_blank=True,
        max_length=MAX_REASON,
        help_text="The buyer sees it.",
    )


class DecisionReasonDocument(serializers.Serializer[Any]):
    reason = serializers.CharField(
        max_length=MAX_REASON, help_text="Do not include names or contact details."
    )


DECIDED: Final[dict[str, Any]] = {
    **RETURN,
    "state": "approved",
    "decided_at": "2026-01-31T20:00:00Z",
    "refund_cents": 2_500,
    "is_full": True,
    "buyer": {"id": "01a20094-bea0-77d3-8654-5bf8dc1649ca", "name": "Acme Roofing"},
    "lead_id": "01a20094-d901-71ad-ae8f-8ccbb726000e",
    "is_test": False,
    "sold_at": "2026-01-31T17:00:00Z",
    "price_cents": 2_500,
    "left_cents": 0,
    "requested_by": "key CRM (Ab3dEf9h)",
    "decided_by": "workspace key Reviews (Zx8cVb2n)",
    "is_resold": False,
}
WAITING: Final[dict[str, Any]] = {
    **DECIDED,
    **{name: RETURN[name] for name in ("state", "decided_at", "refund_cents", "is_full")},
    "left_cents": 2_500,
    "decided_by": "",
}
ERRORS: Final = [
    OpenApiExample(
        "Unknown key",
        value={"error": {"code": "unauthorized", "message": describe_unknown_key("workspace")}},
        response_only=True,
        status_codes=["401"],
    ),
    *[each for each in buyerexamples.ERRORS if each.status_codes == ["403"]],
    TOO_FAST_EXAMPLE,
]


def example(value: Any, *codes: str) -> list[OpenApiExample]:
    return [
        OpenApiExample("Success", value=value, response_only=True, status_codes=list(codes or ("200",))),
        *ERRORS,
    ]


def document(
    operation_id: str, summary: str, *, description: str = "", **named: Any
) -> Callable[[Operation], Operation]:
    """One operation of an agency's programs."""
    return extend_schema(
        operation_id=f"workspace_{operation_id}",
        summary=summary,
        description=description or f"{summary}.",
        tags=["workspaces"],
        **named,
    )


LIST_RETURNS: Final = document(
    "returns_list",
    "Returns of all buyers, newest first",
    parameters=[
        OpenApiParameter("state", enum=ReturnState.values, description="Only those with this state."),
        OpenApiParameter("buyer", type=OpenApiTypes.UUID, description="Only those of this buyer."),
        *(LIMIT, CURSOR, *LIMIT_HEADERS),
    ],
    responses={200: DecidedReturnPage, **describe_errors(404)},
    examples=example({"results": [WAITING], "next_cursor": None}),
)
GET_RETURN: Final = document(
    "returns_retrieve",
    "One return",
    parameters=LIMIT_HEADERS,
    responses={200: DecidedReturnDocument, **describe_errors(404)},
    examples=example(WAITING),
)
GET_EVIDENCE: Final = document(
    "returns_evidence",
    "Download a file of a return",
    description="Always an attachment of the type application/octet-stream: no browser shows it. `files` of the return "
    "has the ids, names and real types.",
    parameters=[
        describe_header("Content-Disposition", "The name of the file.", 200),
        *LIMIT_HEADERS,
    ],
    responses={(200, "application/octet-stream"): OpenApiTypes.BINARY, **describe_errors(404)},
    examples=ERRORS,
)
APPROVE: Final = document(
    "returns_approve",
    "Approve a return and refund it",
    description="Refunds what was asked for, or `amount_cents`. Idempotent: an approved return stays as it is. 409 if "
    "it was declined, withdrawn or approved with another amount; the error has its `state` and `refund_cents`.",
    request={"application/json": ApprovalDocument},
    parameters=LIMIT_HEADERS,
    responses={
        200: OpenApiResponse(DecidedReturnDocument, description="The approved return."),
        **describe_errors(404, 409, 411, 413, 415),
    },
    examples=example(DECIDED),
)
DECLINE: Final = document(
    "returns_decline",
    "Decline a return",
    description="Moves no money. The buyer sees the reason. Idempotent: a declined return stays as it is. 409 if it "
    "was approved or withdrawn.",
    request={"application/json": DecisionReasonDocument},
    parameters=LIMIT_HEADERS,
    responses={
        200: OpenApiResponse(DecidedReturnDocument, description="The declined return."),
        **describe_errors(404, 409, 411, 413, 415),
    },
    examples=example(
        {**WAITING, "state": "declined", "decided_at": "2026-01-31T20:00:00Z", "decision_reason": "it rings"}
    ),
)
TAKE_BACK: Final = document(
    "assignments_return",
    "Take a lead back",
    description="Without a request of the buyer: no window and no limit applies. Refunds all that is left of the "
    "charge, and approves the buyer's open request if there is one. 200 if the lead was taken back before. 409 if the "
    "buyer does not have it.",
    request={"application/json": DecisionReasonDocument},
    parameters=[describe_header("Location", "URL of the return.", 200, 201), *LIMIT_HEADERS],
    responses={
        200: OpenApiResponse(DecidedReturnDocument, description="It was taken back before."),
        201: OpenApiResponse(DecidedReturnDocument, description="The lead is taken back."),
        **describe_errors(404, 409, 411, 413, 415),
    },
    examples=example({**DECIDED, "reason": "agency"}, "200", "201"),
)

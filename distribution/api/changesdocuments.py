"""The OpenAPI schema of changes that an agency must approve. Nothing here runs during a request."""

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers

from distribution.api.buyerdocuments import CURSOR, LIMIT, choice
from distribution.api.buyerexamples import ERRORS
from distribution.models import ProposalState
from routing.api.documents import LIMIT_HEADERS, describe_errors
from routing.api.schemas import AttributesDocument


class ChangeDocument(serializers.Serializer[Any]):
    """A change that your agency must approve. Until then nothing has changed."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=ProposalState.choices)
    # `fields` is a name of serializers, so the field is added below.
    change = AttributesDocument(help_text="As you sent it.")
    campaign_id = serializers.UUIDField(allow_null=True, help_text="If it is about an enrollment.")
    asked_at = serializers.DateTimeField()
    decided_at = serializers.DateTimeField(allow_null=True)
    decision_reason = serializers.CharField(allow_blank=True, help_text="What your agency says.")

    def get_fields(self) -> dict[str, Any]:
        named = serializers.ListField(child=serializers.CharField(), help_text="What it changes.")
        return {**super().get_fields(), "fields": named}


class ChangePage(serializers.Serializer[Any]):
    results = ChangeDocument(many=True)
    next_cursor = serializers.CharField(allow_null=True)


WAITING: Final[dict[str, Any]] = {
    "id": "019c1f0e-7c1a-7b7e-9d0a-3f1c2b4a5d99",
    "state": "waiting",
    "fields": ["service_area"],
    "change": {"service_area": {"states": ["AL", "GA"]}},
    "campaign_id": None,
    "asked_at": "2026-01-31T12:00:00Z",
    "decided_at": None,
    "decision_reason": "",
}
WITHDRAWN: Final = {**WAITING, "state": "withdrawn", "decided_at": "2026-01-31T12:05:00Z"}


def _success(value: Any) -> list[OpenApiExample]:
    return [OpenApiExample("Success", value=value, response_only=True, status_codes=["200"]), *ERRORS]


LIST_CHANGES: Final = extend_schema(
    operation_id="buyer_changes_list",
    summary="Changes that wait for your agency, or were decided, newest first",
    tags=["buyers"],
    parameters=[
        choice("state", ProposalState.values, "Only those with this state."),
        LIMIT,
        CURSOR,
        *LIMIT_HEADERS,
    ],
    responses={200: ChangePage, **describe_errors()},
    examples=_success({"results": [WAITING], "next_cursor": None}),
)
GET_CHANGE: Final = extend_schema(
    operation_id="buyer_change",
    summary="One of these changes",
    tags=["buyers"],
    parameters=LIMIT_HEADERS,
    responses={200: ChangeDocument, **describe_errors(404)},
    examples=_success(WAITING),
)
WITHDRAW_CHANGE: Final = extend_schema(
    operation_id="buyer_change_withdraw",
    summary="Take a change back",
    description="Idempotent. 409 if your agency has decided.",
    tags=["buyers"],
    request=None,
    parameters=LIMIT_HEADERS,
    responses={
        200: OpenApiResponse(ChangeDocument, description="It is withdrawn."),
        **describe_errors(404, 409),
    },
    examples=_success(WITHDRAWN),
)

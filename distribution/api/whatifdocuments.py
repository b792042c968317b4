"""The OpenAPI schema of what-if questions. Nothing here runs during a request."""

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers

from distribution.api.accountdocuments import AreaChange, ContactChange, EnrollmentChange
from distribution.api.buyerexamples import CAMPAIGN, ERRORS
from routing.api.documents import LIMIT_HEADERS, describe_errors
from routing.api.schemas import AttributesDocument


class WhatIfQuestion(AreaChange):
    """Any fields of `me/` that you can change, and enrollments by the id of their campaign."""

    name = serializers.CharField(required=False)
    timezone = serializers.CharField(required=False)
    contact = ContactChange(required=False, allow_null=True)
    hours = AttributesDocument(required=False, allow_null=True)
    answers = AttributesDocument(required=False, allow_null=True)
    paused = serializers.BooleanField(required=False)
    paused_until = serializers.DateTimeField(required=False, allow_null=True)
    enrollments = serializers.DictField(
        child=EnrollmentChange(), required=False, help_text="By the id of the campaign."
    )


class RemainingDocument(serializers.Serializer[Any]):
    reason = serializers.CharField(help_text="A skip reason, as in `missed/`.")
    sentence = serializers.CharField()
    leads = serializers.IntegerField()


class WonLeadHead(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    zip = serializers.CharField()
    state = serializers.CharField()


class WonLeadDocument(serializers.Serializer[Any]):
    lead = WonLeadHead()
    decided_at = serializers.DateTimeField()
    price_cents = serializers.IntegerField()
    missed_for = serializers.CharField(help_text="The skip reason for which you missed it.")


class LeftOutDocument(serializers.Serializer[Any]):
    """Leads that were not decided again."""

    why = serializers.ChoiceField(
        choices=["older", "time_over", "unreadable", "unknown_bid", "shown"],
        help_text="`older`: only the newest 1,000 leads are decided again. `time_over`: these came last, and the time "
        "was over. `unreadable`: an earlier version decided, or you were not enrolled. `unknown_bid`: in an auction, "
        "nobody knows what you would have bid. `shown`: offers that you were shown and did not get; nobody knows "
        "whether you would have claimed them.",
    )
    leads = serializers.IntegerField(allow_null=True, help_text="Null: they were not counted.")
    # `from` is a keyword, so the field is added below.
    to = serializers.DateTimeField(allow_null=True, help_text="`older`: missed before this time.")

    def get_fields(self) -> dict[str, Any]:
        since = serializers.DateTimeField(
            allow_null=True, help_text="`time_over`: missed at this time and later."
        )
        return {**super().get_fields(), "from": since}


class EffectDocument(serializers.Serializer[Any]):
    """What the change would have won of the leads that you missed."""

    # `from` is a keyword, so the field is added below.
    to = serializers.DateTimeField()
    missed = serializers.IntegerField(
        help_text="Leads that you missed in these 30 days: at most 1,000, and 1,000 that you were shown."
    )
    checked = serializers.IntegerField(help_text="How many of them were decided again.")
    unreadable = serializers.IntegerField(
        help_text="Those of `left_out` that an earlier version decided, or for which you were not enrolled."
    )
    is_partial = serializers.BooleanField(
        help_text="There were more leads, or the time was over: not all missed leads were decided again."
    )
    left_out = LeftOutDocument(many=True, help_text="Which missed leads were not decided again. Empty: none.")
    won = serializers.IntegerField()
    spent_cents = serializers.IntegerField(help_text="What the won leads would have cost together.")
    lowest_price_cents = serializers.IntegerField(allow_null=True)
    highest_price_cents = serializers.IntegerField(allow_null=True)
    remaining = RemainingDocument(
        many=True, help_text="Why you would still not have gotten the other leads that were checked."
    )
    examples = WonLeadDocument(many=True, help_text="The newest 20 won leads.")

    def get_fields(self) -> dict[str, Any]:
        return {"from": serializers.DateTimeField(), **super().get_fields()}


QUESTION: Final = {
    "service_area": {"states": ["AL", "GA"]},
    "enrollments": {CAMPAIGN["id"]: {"caps": {"day": 20}}},
}
EFFECT: Final[dict[str, Any]] = {
    "from": "2026-01-01T12:00:00Z",
    "to": "2026-01-31T12:00:00Z",
    "missed": 1_000,
    "checked": 1_000,
    "unreadable": 0,
    "is_partial": True,
    "left_out": [{"why": "older", "leads": None, "from": None, "to": "2026-01-12T09:30:00Z"}],
    "won": 1,
    "spent_cents": 2_500,
    "lowest_price_cents": 2_500,
    "highest_price_cents": 2_500,
    "remaining": [
        {"reason": "insufficient_credits", "sentence": "No remaining buyer has enough credits.", "leads": 999}
    ],
    "examples": [
        {
            "lead": {"id": "019c1f0e-7c1a-7b7e-9d0a-3f1c2b4a5d6e", "zip": "35203", "state": "AL"},
            "decided_at": "2026-01-30T12:00:00Z",
            "price_cents": 2_500,
            "missed_for": "outside_service_area",
        }
    ],
}
ASK_WHAT_IF: Final = extend_schema(
    operation_id="buyer_whatif",
    summary="What a change would have won",
    description="Decides the leads again that you missed in the last 30 days, as if the change had been made before, "
    "with what was recorded then. They are taken in order: a lead that you would have won uses up balance, caps and "
    "budgets for those after it. The work is limited to 1,000 leads and 2 seconds; `is_partial` says so, and "
    "`left_out` which leads that concerns. Nothing is stored.",
    tags=["buyers"],
    request={"application/json": WhatIfQuestion, "application/merge-patch+json": WhatIfQuestion},
    parameters=LIMIT_HEADERS,
    responses={
        200: OpenApiResponse(EffectDocument, description="The effect."),
        **describe_errors(409, 411, 413, 415),
    },
    examples=[
        OpenApiExample("Request", value=QUESTION, request_only=True),
        OpenApiExample("Success", value=EFFECT, response_only=True, status_codes=["200"]),
        *ERRORS,
    ],
)

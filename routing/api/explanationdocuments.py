"""What the OpenAPI schema says about the explanation of a lead to its sender."""

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from routing.api.documents import LIMIT_HEADERS, describe_errors
from routing.api.examples import TOO_FAST_EXAMPLE, UNKNOWN_EXAMPLE
from routing.api.parameters import LATEST, MAX_LATEST
from routing.models import LeadStatus
from tracing.models import AttemptResult, AttemptTrigger

LATEST_PARAMETER: Final = OpenApiParameter(
    "latest",
    type={"type": "integer", "minimum": 1, "maximum": MAX_LATEST, "default": LATEST},
    description="How many of the newest attempts to show.",
)


class SentAttemptDocument(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    trigger = serializers.ChoiceField(choices=AttemptTrigger.choices)
    result = serializers.ChoiceField(choices=AttemptResult.choices)
    reason = serializers.CharField(
        allow_null=True,
        help_text="Code of why it was not sold. Null if another workspace decided.",
    )
    sentence = serializers.CharField()
    started_at = serializers.DateTimeField()
    next_attempt_at = serializers.DateTimeField(allow_null=True)


class ExplanationAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    external_id = serializers.CharField(allow_blank=True)
    is_test = serializers.BooleanField(help_text="It is a test lead, which charges no buyer.")
    status = serializers.ChoiceField(choices=LeadStatus.choices)
    summary = serializers.CharField(help_text="What happened and why.")
    change = serializers.CharField(allow_blank=True, help_text="What would have to change. Blank if nothing.")
    fixer = serializers.ChoiceField(
        choices=["sender", "operator", "time", "nobody"],
        allow_blank=True,
        help_text="Who can change it. `time`: it resolves on its own. Blank if nothing is in the way.",
    )
    missing_fields = serializers.ListField(
        child=serializers.CharField(), help_text="Missing fields that buyers require. Send them."
    )
    duplicate_of = serializers.UUIDField(
        allow_null=True, help_text="Your earlier lead for the same person, if you sent it."
    )
    next_attempt_at = serializers.DateTimeField(allow_null=True)
    attempts = SentAttemptDocument(many=True)


EXAMPLE: Final = OpenApiExample(
    "Not sold",
    value={
        "id": "019c1f0e-7c1a-7b7e-9d0a-3f1c2b4a5d6e",
        "external_id": "form-4711",
        "is_test": False,
        "status": "failed",
        "summary": "No buyer takes this lead without roof_age.",
        "change": "Send the lead again with roof_age. If you send an external_id, use a new one.",
        "fixer": "sender",
        "missing_fields": ["attributes.roof_age"],
        "duplicate_of": None,
        "next_attempt_at": None,
        "attempts": [
            {
                "number": 1,
                "trigger": "ingest",
                "result": "unsold",
                "reason": "no_eligible_buyers",
                "sentence": "Attempt 1 (first attempt) at 2026-01-31 12:00:01 UTC: not sold. No buyer could take this"
                " lead.",
                "started_at": "2026-01-31T12:00:01.297000Z",
                "next_attempt_at": None,
            }
        ],
    },
    response_only=True,
    status_codes=["200"],
)

GET_EXPLANATION: Final = extend_schema(
    operation_id="leads_explanation",
    summary="Explain what happened to a lead and what the sender can change",
    description="In sentences, attempt by attempt. Does not reveal any buyer.",
    tags=["leads"],
    parameters=[LATEST_PARAMETER, *LIMIT_HEADERS],
    responses={
        200: OpenApiResponse(ExplanationAnswer, description="Explanation of the lead."),
        **describe_errors(404),
    },
    examples=[EXAMPLE, UNKNOWN_EXAMPLE, TOO_FAST_EXAMPLE],
)

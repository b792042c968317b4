"""What the OpenAPI schema says about the calls of a lead."""

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers

from distribution.models import CallOutcome, CallState, VerificationState
from routing.api.documents import LIMIT_HEADERS, describe_errors
from routing.api.examples import TOO_FAST_EXAMPLE, UNKNOWN_EXAMPLE
from routing.models import LeadStatus
from tracing.call_events import GIVEN_UP, WAIT_REASONS, describe_waiting

# Why there is no call now, or why there is none any more.
REASONS: Final = [(code, describe_waiting(code)) for code in dict.fromkeys((*WAIT_REASONS, *GIVEN_UP))]


class SentVerificationDocument(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=VerificationState.choices)
    reason = serializers.ChoiceField(
        choices=REASONS,
        allow_null=True,
        help_text="Code of why there is no call before `due_at`, what holds a due one back, or why none follows.",
    )
    sentence = serializers.CharField(help_text="The reason, or else the state, as a sentence.")
    opened_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField(
        allow_null=True,
        help_text="From when on the next call goes out, if a line is free. Null: none is due.",
    )
    ended_at = serializers.DateTimeField(allow_null=True)
    next_step = serializers.CharField(allow_blank=True, help_text="Blank once it has ended.")
    passes = serializers.ListField(
        child=serializers.CharField(), help_text="What would let the lead go on. Empty once it has ended."
    )


class SentCallDocument(serializers.Serializer[Any]):
    number = serializers.IntegerField(
        help_text="The try of its verification: 1 for the first call. A call whose outcome is not_placed is no try: "
        "the next one has the same number."
    )
    state = serializers.ChoiceField(choices=CallState.choices)
    outcome = serializers.ChoiceField(
        choices=[each for each in CallOutcome.choices if each[0]],
        allow_null=True,
        help_text="Null until the call has ended.",
    )
    sentence = serializers.CharField()
    placed_at = serializers.DateTimeField()
    ringing_at = serializers.DateTimeField(allow_null=True)
    answered_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    duration_seconds = serializers.IntegerField(allow_null=True)


class CallsAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=LeadStatus.choices)
    verified_at = serializers.DateTimeField(allow_null=True)
    verification = SentVerificationDocument(
        allow_null=True, help_text="The latest one. Null: the lead needs none, or was routed to a partner."
    )
    calls = SentCallDocument(many=True, help_text="The latest 100, oldest first.")


EXAMPLE: Final = OpenApiExample(
    "Nobody answered yet",
    value={
        "id": "019c1f0e-7c1a-7b7e-9d0a-3f1c2b4a5d6e",
        "status": "gated",
        "verified_at": None,
        "verification": {
            "state": "waiting",
            "reason": "no_answer",
            "sentence": "Nobody answered.",
            "opened_at": "2026-01-31T15:00:01.250000Z",
            "due_at": "2026-01-31T18:00:33.100000Z",
            "ended_at": None,
            "next_step": "The next call goes out from 2026-01-31 18:00:33 UTC on, as soon as a line is free."
            " Why not before: Nobody answered.",
            "passes": ["a call in which the person presses 1", "an operator who verifies the person by hand"],
        },
        "calls": [
            {
                "number": 1,
                "state": "ended",
                "outcome": "no_answer",
                "sentence": "Nobody answered.",
                "placed_at": "2026-01-31T15:00:02.010000Z",
                "ringing_at": "2026-01-31T15:00:05.400000Z",
                "answered_at": None,
                "ended_at": "2026-01-31T15:00:33.100000Z",
                "duration_seconds": 0,
            }
        ],
    },
    response_only=True,
    status_codes=["200"],
)

GET_CALLS: Final = extend_schema(
    operation_id="leads_calls",
    summary="Show how the person behind a lead is verified, and the calls",
    description="Why the person is called before the lead is sold, each call with its outcome, and what follows. Has "
    "no phone number, and does not say which number called.",
    tags=["leads"],
    parameters=LIMIT_HEADERS,
    responses={
        200: OpenApiResponse(CallsAnswer, description="Verification and calls of the lead."),
        **describe_errors(404),
    },
    examples=[EXAMPLE, UNKNOWN_EXAMPLE, TOO_FAST_EXAMPLE],
)

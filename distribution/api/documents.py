"""The OpenAPI schema of the trace. Nothing here runs during a request.

The documents mirror distribution.explain.types field by field; a test compares them.
"""

from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from distribution.models import CallOutcome, CallState, OfferKind, VerificationState
from routing.api.documents import LIMIT_HEADERS, describe_errors
from routing.api.examples import TOO_FAST_EXAMPLE, UNKNOWN_EXAMPLE
from routing.models import LeadStatus
from tracing.call_events import CallEventCode
from tracing.models import AttemptResult, AttemptTrigger

CHANGE: Final = "What would have to change."
FIXER: Final = "Who can change it: buyer, agency, lead, outranked or system. Empty if not known."
REASON: Final = "A skip reason code. Empty if there is none."


class ParticipantDocument(serializers.Serializer[Any]):
    """A buyer or a campaign."""

    id = serializers.UUIDField(
        allow_null=True, help_text="Null if it is not in this workspace, or no longer."
    )
    name = serializers.CharField()


class LeadHeadDocument(serializers.Serializer[Any]):
    """The current state of the lead."""

    id = serializers.UUIDField()
    workspace = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    source_workspace = serializers.CharField(
        help_text="Where it was received, if rules routed it from there. Empty otherwise."
    )
    vertical = serializers.CharField()
    zip = serializers.CharField()
    status = serializers.ChoiceField(choices=LeadStatus.choices)
    status_sentence = serializers.CharField()
    campaign = ParticipantDocument(allow_null=True, help_text="From the latest attempt.")
    received_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    due_at = serializers.DateTimeField(allow_null=True, help_text="When it is tried next. Null: never.")
    due_reason = serializers.CharField()
    due_sentence = serializers.CharField()
    reason = serializers.CharField(help_text=REASON)
    reason_sentence = serializers.CharField()
    change = serializers.CharField(help_text=CHANGE)
    fixer = serializers.CharField(help_text=FIXER)
    cancel_reason = serializers.CharField()
    attempts = serializers.IntegerField()
    is_test = serializers.BooleanField(help_text="It is a test lead, which charges no buyer.")


class SaleDocument(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    buyer = ParticipantDocument()
    price_cents = serializers.IntegerField()
    state = serializers.CharField()
    sold_at = serializers.DateTimeField(
        allow_null=True, help_text="Null: the buyer's system has not answered yet, or it rejected the lead."
    )
    returned_at = serializers.DateTimeField(allow_null=True)
    sentence = serializers.CharField()
    is_test = serializers.BooleanField(help_text="A test sale: it charged nothing.")


class StepDocument(serializers.Serializer[Any]):
    seq = serializers.IntegerField()
    event = serializers.CharField()
    sentence = serializers.CharField()
    elapsed_ms = serializers.FloatField(allow_null=True, help_text="Since the attempt began.")


class GateDocument(serializers.Serializer[Any]):
    """One gate that a buyer did not pass."""

    gate = serializers.CharField()
    finding = serializers.CharField(help_text="Why the gate failed.")
    change = serializers.CharField(help_text=CHANGE)
    fixer = serializers.CharField(help_text=FIXER)
    required = serializers.JSONField(allow_null=True)  # type: ignore[assignment]
    observed = serializers.JSONField(allow_null=True)
    opens_at = serializers.CharField(allow_null=True, help_text="When it opens by itself.")


class BuyerRowDocument(serializers.Serializer[Any]):
    """The result of an attempt for one enrolled buyer."""

    seq = serializers.IntegerField()
    buyer = ParticipantDocument()
    outcome = serializers.CharField(help_text="selected or skipped.")
    reason = serializers.CharField(help_text=REASON)
    sentence = serializers.CharField()
    price_cents = serializers.IntegerField(allow_null=True)
    gates = GateDocument(many=True)
    change = serializers.CharField(help_text=CHANGE)
    fixer = serializers.CharField(help_text=FIXER)


class FunnelStageDocument(serializers.Serializer[Any]):
    stage = serializers.CharField()
    remaining = serializers.IntegerField(help_text="Buyers left after this stage.")


class AttemptDocument(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    number = serializers.IntegerField()
    trigger = serializers.ChoiceField(choices=AttemptTrigger.choices)
    result = serializers.ChoiceField(choices=AttemptResult.choices)
    reason = serializers.CharField(help_text=REASON)
    headline = serializers.CharField()
    campaign = ParticipantDocument(allow_null=True)
    config_version = serializers.IntegerField(allow_null=True)
    started_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField()
    duration_ms = serializers.FloatField()
    due_at = serializers.DateTimeField(allow_null=True)
    funnel = FunnelStageDocument(many=True)
    steps = StepDocument(many=True)
    buyers = BuyerRowDocument(many=True)


class OfferedBuyerDocument(serializers.Serializer[Any]):
    buyer = ParticipantDocument()
    tier = serializers.IntegerField()
    price_cents = serializers.IntegerField(
        allow_null=True, help_text="What a claim cost, or the bid. Null: it made no bid."
    )
    shown_from = serializers.DateTimeField(help_text="Later for tiers without the head start.")
    claimed_at = serializers.DateTimeField(allow_null=True)
    bought_cents = serializers.IntegerField(
        allow_null=True, help_text="What it bought the lead for: by a claim, a bid, or after the offer."
    )
    refused_at = serializers.DateTimeField(allow_null=True, help_text="When its claim was refused.")
    late_ms = serializers.IntegerField(allow_null=True, help_text="By how much the refused claim came later.")
    reason = serializers.CharField(help_text=f"{REASON} Empty if it bought the lead, or still may.")
    sentence = serializers.CharField()
    change = serializers.CharField(help_text=CHANGE)
    fixer = serializers.CharField(help_text=FIXER)


class TracedOfferDocument(serializers.Serializer[Any]):
    """An offer or an auction of the lead, and every buyer that it was shown to."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=OfferKind.choices)
    attempt = serializers.IntegerField(help_text="The attempt that opened it.")
    opened_at = serializers.DateTimeField()
    closes_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True, help_text="Null: it is open.")
    end_reason = serializers.CharField(help_text="Why it ended. Empty while it is open.")
    buyers = OfferedBuyerDocument(many=True)


class TracedCallDocument(serializers.Serializer[Any]):
    number = serializers.IntegerField(help_text="The try of its verification.")
    channel = serializers.CharField(allow_blank=True, help_text="Blank: the sender does not see it.")
    state = serializers.ChoiceField(choices=CallState.choices)
    outcome = serializers.ChoiceField(
        choices=CallOutcome.choices, allow_blank=True, help_text="Blank until it has ended."
    )
    sentence = serializers.CharField()
    placed_at = serializers.DateTimeField()
    ringing_at = serializers.DateTimeField(allow_null=True)
    answered_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    duration_seconds = serializers.IntegerField(allow_null=True)


class StoryLineDocument(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    code = serializers.ChoiceField(choices=[each.value for each in CallEventCode])
    sentence = serializers.CharField()
    by = serializers.CharField(allow_blank=True, help_text="Blank: the sender does not see who it was.")
    reason = serializers.CharField(allow_blank=True, help_text="Why the operator did it.")


class TracedVerificationDocument(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=VerificationState.choices)
    state_sentence = serializers.CharField()
    reason = serializers.CharField(
        allow_blank=True, help_text="Code of why there is no call before `due_at`, or none any more."
    )
    reason_sentence = serializers.CharField(allow_blank=True)
    change = serializers.CharField(
        allow_blank=True, help_text="What would have to change for the next call. Blank: nothing."
    )
    opened_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField(allow_null=True, help_text="When the next call may go out.")
    ended_at = serializers.DateTimeField(allow_null=True)
    tries = serializers.IntegerField()
    next_step = serializers.CharField(allow_blank=True)
    passes = serializers.ListField(
        child=serializers.CharField(), help_text="What would let the lead go on. Empty once it has ended."
    )
    calls = TracedCallDocument(many=True)
    story = StoryLineDocument(many=True)


class AttemptAnswerDocument(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    got_it = serializers.BooleanField()
    reason = serializers.CharField(help_text=REASON)
    sentence = serializers.CharField()
    change = serializers.CharField(help_text=CHANGE)
    fixer = serializers.CharField(help_text=FIXER)


class AnswerDocument(serializers.Serializer[Any]):
    """Why this buyer did or did not get the lead."""

    buyer = ParticipantDocument()
    got_it = serializers.BooleanField(help_text="The buyer has the lead: sold and not returned.")
    sentence = serializers.CharField()
    attempts = AttemptAnswerDocument(many=True)


class PromiseDocument(serializers.Serializer[Any]):
    """What the ping of the lead promised, and what became of it."""

    id = serializers.UUIDField(help_text="The ping. It is not the signed ping_id.")
    price_cents = serializers.IntegerField(help_text="What was promised.")
    asked_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField(
        help_text="Until when the lead is sold for at least the promised price."
    )
    earned_cents = serializers.IntegerField(
        allow_null=True, help_text="What its sales earned the source before refunds. Null: none did."
    )
    outcome = serializers.ChoiceField(choices=["sold", "waiting", "not_sold"])
    reason = serializers.CharField(help_text=REASON)
    sentence = serializers.CharField()


class TraceAnswer(serializers.Serializer[Any]):
    lead = LeadHeadDocument()
    promise = PromiseDocument(allow_null=True, help_text="Null: the lead came without a ping.")
    sales = SaleDocument(many=True)
    attempts = AttemptDocument(many=True)
    offers = TracedOfferDocument(many=True)
    verifications = TracedVerificationDocument(many=True)
    notes = serializers.ListField(child=serializers.CharField(), help_text="What is missing from the trace.")
    answer = AnswerDocument(allow_null=True, help_text="Only if the request names a buyer.")


ACME: Final = {"id": "019c1f0e-7c1a-7b7e-9d0a-3f1c2b4a5d70", "name": "Acme Roofing"}
CAMPAIGN: Final = {"id": "019c1f0e-7c1a-7b7e-9d0a-3f1c2b4a5d71", "name": "Roofing Atlanta"}
NO_CREDITS: Final = {
    "reason": "insufficient_credits",
    "sentence": "Acme Roofing: its balance is too low: the price is $25.00, and only $10.00 is available.",
    "change": "top up $15.00",
    "fixer": "buyer",
}
EXAMPLE: Final = OpenApiExample(
    "Not sold, with buyer=",
    value={
        "lead": {
            "id": "019c1f0e-7c1a-7b7e-9d0a-3f1c2b4a5d6e",
            "workspace": "Northern Leads",
            "source": "website",
            "source_workspace": "",
            "vertical": "roofing",
            "zip": "30312",
            "status": "failed",
            "status_sentence": "Needs an operator to run it again.",
            "campaign": CAMPAIGN,
            "received_at": "2026-01-31T12:00:01.250000Z",
            "finished_at": "2026-01-31T12:00:01.300000Z",
            "due_at": None,
            "due_reason": "",
            "due_sentence": "",
            "reason": "insufficient_credits",
            "reason_sentence": "No remaining buyer has enough credits.",
            "change": "",
            "fixer": "buyer",
            "cancel_reason": "",
            "attempts": 1,
            "is_test": False,
        },
        "promise": None,
        "sales": [],
        "attempts": [
            {
                "id": "019c1f0e-7c1a-7b7e-9d0a-3f1c2b4a5d6f",
                "number": 1,
                "trigger": "ingest",
                "result": "unsold",
                "reason": "insufficient_credits",
                "headline": "Attempt 1 (first attempt) at 2026-01-31 12:00:01 UTC took 3 ms: not sold.",
                "campaign": CAMPAIGN,
                "config_version": 7,
                "started_at": "2026-01-31T12:00:01.297000Z",
                "finished_at": "2026-01-31T12:00:01.300000Z",
                "duration_ms": 3.1,
                "due_at": None,
                "funnel": [
                    {"stage": "enrolled", "remaining": 8},
                    {"stage": "outside_service_area", "remaining": 1},
                    {"stage": "insufficient_credits", "remaining": 0},
                ],
                "steps": [
                    {
                        "seq": 4,
                        "event": "buyer_pool_composed",
                        "sentence": "8 buyers enrolled, 1 covers 30312, 0 have enough credits.",
                        "elapsed_ms": 2.4,
                    }
                ],
                "buyers": [
                    {
                        "seq": 12,
                        "buyer": ACME,
                        "outcome": "skipped",
                        "price_cents": 2500,
                        "gates": [
                            {
                                "gate": "insufficient_credits",
                                "finding": "its balance is too low: the price is $25.00, and only $10.00 is available",
                                "change": "top up $15.00",
                                "fixer": "buyer",
                                "required": 2500,
                                "observed": 1000,
                                "opens_at": None,
                            }
                        ],
                        **NO_CREDITS,
                    }
                ],
            }
        ],
        "offers": [],
        "verifications": [],
        "notes": [],
        "answer": {
            "buyer": ACME,
            "got_it": False,
            "sentence": f"Acme Roofing did not get this lead. {NO_CREDITS['sentence']}",
            "attempts": [{"number": 1, "got_it": False, **NO_CREDITS}],
        },
    },
    response_only=True,
    status_codes=["200"],
)

GET_TRACE: Final = extend_schema(
    operation_id="leads_trace",
    summary="Explain why a lead was or was not sold",
    description="Every attempt in sentences, with each skipped buyer and what would have to change. For keys of the "
    "workspace the lead is in.",
    tags=["leads"],
    parameters=[
        OpenApiParameter(
            "buyer",
            type=OpenApiTypes.UUID,
            description="Explain why this buyer did or did not get the lead, and leave out other buyers.",
        ),
        OpenApiParameter(
            "latest",
            type={"type": "integer", "minimum": 1, "maximum": 100, "default": 20},
            description="How many of the newest attempts to show.",
        ),
        *LIMIT_HEADERS,
    ],
    responses={
        200: OpenApiResponse(TraceAnswer, description="Explanation of the lead."),
        **describe_errors(404),
    },
    examples=[EXAMPLE, UNKNOWN_EXAMPLE, TOO_FAST_EXAMPLE],
)

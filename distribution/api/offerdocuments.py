"""The OpenAPI schema of offers. The documents mirror distribution.api.offeranswers; a test compares them."""

from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from distribution.api import buyerexamples as examples
from distribution.api.buyerdocuments import (
    CURSOR,
    LIMIT,
    AssignmentDocument,
    CampaignDocument,
    choice,
    document,
)
from distribution.api.offeranswers import STATES
from distribution.offers.queries import STATES as FILTERED
from routing.api.documents import LIMIT_HEADERS, describe_errors, describe_header


class RefusedDocument(serializers.Serializer[Any]):
    """Your claim that was refused."""

    at = serializers.DateTimeField()
    reason = serializers.CharField(help_text="`taken`, `window_over`, `paused`, or the check that failed.")
    late_ms = serializers.IntegerField(
        allow_null=True, help_text="How many milliseconds after the last claim, or the end, yours came."
    )


class OfferDocument(serializers.Serializer[Any]):
    """A lead that you may claim until `closes_at`."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(
        choices=STATES,
        help_text="For you. `open`: you can claim it. `claimed`: you have it. `taken`: other buyers have it. `over`: "
        "its time is over.",
    )
    campaign = CampaignDocument()
    price_cents = serializers.IntegerField(help_text="What a claim costs.")
    max_buyers = serializers.IntegerField(help_text="How many buyers may claim it. 1: exclusive.")
    is_test = serializers.BooleanField(help_text="A claim of a test lead charges nothing.")
    shown_at = serializers.DateTimeField(help_text="Since when you see it.")
    closes_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True, help_text="Null: it is open.")
    claimed_at = serializers.DateTimeField(allow_null=True, help_text="When you claimed it.")
    assignment_id = serializers.UUIDField(allow_null=True, help_text="The lead you bought by your claim.")
    lead = serializers.DictField(
        help_text="The fields of the lead that its agency shows. Never contact data."
    )
    refused = RefusedDocument(allow_null=True)


class ElsewhereDocument(serializers.Serializer[Any]):
    """Where offers are streamed, also in the header Location."""

    location = serializers.URLField()
    message = serializers.CharField()


class OfferPage(serializers.Serializer[Any]):
    results = OfferDocument(many=True)
    next_cursor = serializers.CharField(allow_null=True)


LIST_OFFERS: Final = document(
    "buyer_offers_list",
    "Leads you are offered, newest first",
    OfferPage,
    400,
    parameters=(
        choice("state", list(FILTERED), "`open`: those you can claim now. `claimed`: those you claimed."),
        LIMIT,
        CURSOR,
    ),
)
LISTEN: Final = extend_schema(
    operation_id="buyer_offers_listen",
    summary="Listen to offers",
    description="Server-sent events (text/event-stream): `offer` when you can claim a lead, with the same data as the "
    "list; `offer_closed` when you cannot any more, with `id`, `state`, `ended_at` and `assignment_id`; `end` before "
    "LeadSwitch ends the stream. A new stream begins with what is open. With the header Last-Event-ID, or the "
    "parameter, it begins with what came after that event, up to one hour back. An event may come twice.",
    tags=["buyers"],
    parameters=[
        OpenApiParameter("last_event_id", str, description="For programs that cannot send Last-Event-ID."),
        *LIMIT_HEADERS,
    ],
    responses={
        (200, "text/event-stream"): OpenApiResponse(
            OpenApiTypes.STR, description="Events, until one side ends."
        ),
        307: OpenApiResponse(
            ElsewhereDocument, description="Streams are served at another address: ask there, with your key."
        ),
        **describe_errors(400, 429, 503),
    },
    examples=examples.ERRORS,
)
GET_OFFER: Final = document("buyer_offers_retrieve", "One of your offers", OfferDocument, 404)
CLAIM: Final = extend_schema(
    operation_id="buyer_offers_claim",
    summary="Claim an offered lead",
    description="The first valid claim gets the lead, and your wallet is charged at once. Repeat it after a lost "
    "answer: if you have the lead, the answer is 200 and nothing is charged again. 409 `taken`: other buyers claimed "
    "it first; `ended_at` says when, and `late_ms` by how much your claim came later. 409 `window_over`: its time is "
    "over. 409 `not_eligible`: a check failed, with `reason` and `gates` as in your missed leads. 409 `paused`: "
    "nothing is sold now.",
    tags=["buyers"],
    request=None,
    parameters=[describe_header("Location", "URL of the lead you bought.", 201), *LIMIT_HEADERS],
    responses={
        201: OpenApiResponse(AssignmentDocument, description="The lead, with contact data."),
        200: OpenApiResponse(AssignmentDocument, description="You had claimed it before."),
        **describe_errors(404, 409, 503),
    },
    examples=[*examples.OF["buyer_offers_claim"], *examples.ERRORS],
)

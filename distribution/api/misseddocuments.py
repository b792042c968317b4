"""The OpenAPI schema of the leads that a buyer did not get. Nothing here runs during a request."""

from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from distribution.api.buyerdocuments import CURSOR, LIMIT, CampaignDocument, choice, document
from distribution.api.documents import CHANGE, REASON, GateDocument
from distribution.explain.missed_rows import MISSED_REASONS
from distribution.explain.remedy import WhatIfResult

FIXER: Final = (
    "Who can change it: buyer (you) or agency. No one can if it is lead (the lead itself), outranked (other buyers "
    "ranked higher) or system (it resolves on its own)."
)


class MissedLeadHead(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    received_at = serializers.DateTimeField()
    vertical = serializers.CharField()
    zip = serializers.CharField()
    state = serializers.CharField()


class RemedyDocument(serializers.Serializer[Any]):
    """Where you change it."""

    path = serializers.CharField(
        help_text="Below /api/v1/buyer/. An enrollment's has the id of its campaign. `ping_endpoint`: the answer of "
        "your own system to a ping, which counted in the auction."
    )
    # `fields` is a name of serializers, so the field is added below.

    def get_fields(self) -> dict[str, Any]:
        named = serializers.ListField(child=serializers.CharField(), help_text="As a change names them.")
        return {**super().get_fields(), "fields": named}


class MissedGateDocument(GateDocument):
    change_in = RemedyDocument(
        allow_null=True, help_text="Null: you cannot change it yourself; `fixer` says who can."
    )


class MissedOfferDocument(serializers.Serializer[Any]):
    """The offer that you were shown."""

    id = serializers.UUIDField()
    shown_from = serializers.DateTimeField(help_text="When you saw it first.")
    ended_at = serializers.DateTimeField(help_text="Until when it could be claimed.")
    late_ms = serializers.IntegerField(
        allow_null=True, help_text="How much later your claim came. Null: you did not claim it, or in time."
    )


class SkipDocument(serializers.Serializer[Any]):
    """Why an attempt skipped you, or what became of the offer that it showed you."""

    decided_at = serializers.DateTimeField()
    reason = serializers.CharField(help_text=REASON)
    sentence = serializers.CharField()
    change = serializers.CharField(help_text=CHANGE)
    fixer = serializers.CharField(help_text=FIXER)
    price_cents = serializers.IntegerField(
        allow_null=True, help_text="The price you would have paid. Null: no bid in an auction."
    )
    ranked_higher = serializers.IntegerField(
        allow_null=True, help_text="How many buyers ranked higher. Only if outranked."
    )
    change_in = RemedyDocument(
        allow_null=True,
        help_text="Where you change what `reason` found. Null: you cannot change it yourself; `fixer` says who can.",
    )
    gates = MissedGateDocument(many=True, help_text="Every check that failed. The first is the reason.")
    offer = MissedOfferDocument(allow_null=True, help_text="Null: you were not shown an offer.")


class MissedDocument(SkipDocument):
    """A lead that you were enrolled for and did not get: the latest attempt that considered you."""

    lead = MissedLeadHead()
    campaign = CampaignDocument(allow_null=True)
    attempts = serializers.IntegerField(help_text="Number of attempts.")
    next_attempt_at = serializers.DateTimeField(
        allow_null=True, help_text="When it is tried again and you may still get it. Null: never."
    )


class PassedOverDocument(SkipDocument):
    attempt = serializers.IntegerField(help_text="1 for the first attempt of the lead.")


class CheckDocument(serializers.Serializer[Any]):
    """The result of that attempt if every check that you failed had passed. The engine computes it."""

    ending = serializers.ChoiceField(choices=[each.value for each in WhatIfResult] + ["unchecked"])
    is_confirmed = serializers.BooleanField(help_text="You would have gotten the lead.")
    ranked_higher = serializers.IntegerField(
        allow_null=True, help_text="How many buyers would still have ranked higher. Only if outranked."
    )
    price_cents = serializers.IntegerField(allow_null=True)
    sentence = serializers.CharField()
    winning_bid_cents = serializers.IntegerField(
        allow_null=True,
        help_text="The smallest bid with which you would have won the auction, if you may know it.",
    )


class MissedLeadDocument(MissedDocument):
    check = CheckDocument()
    history = PassedOverDocument(
        many=True, help_text="Each attempt that skipped you or showed you an offer, newest first, at most 50."
    )


class MissedPage(serializers.Serializer[Any]):
    results = MissedDocument(many=True)
    next_cursor = serializers.CharField(allow_null=True)


LIST_MISSED: Final = document(
    "buyer_missed_list",
    "Leads you did not get and why, newest first",
    MissedPage,
    400,
    description=(
        "Leads that you were enrolled for and did not get: the latest attempt that considered you skipped you, or "
        "showed you an offer that you did not claim. One row per lead."
    ),
    parameters=(
        choice(
            "reason",
            MISSED_REASONS,
            "Only those missed for this reason. Each request searches 5,000 events and 5,000 offers, so a page can "
            "have fewer leads than `limit` or none. It is the last page only if `next_cursor` is null.",
        ),
        OpenApiParameter(
            "exclude",
            type=OpenApiTypes.STR,
            description="Not those missed for these reasons, separated by commas.",
        ),
        OpenApiParameter("from", type=OpenApiTypes.DATETIME, description="Decided at or after this time."),
        OpenApiParameter("to", type=OpenApiTypes.DATETIME, description="Decided before this time."),
        LIMIT,
        CURSOR,
    ),
)
GET_MISSED: Final = document(
    "buyer_missed_retrieve",
    "One lead you did not get, attempt by attempt",
    MissedLeadDocument,
    404,
    description="Use the lead id from `missed/`.",
)

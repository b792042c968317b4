"""What the OpenAPI schema says about the buyers' side. Nothing here runs when a request comes in.

The documents mirror distribution.api.buyeranswers field by field; a test compares them.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from distribution.api import buyerexamples as examples
from distribution.api.documents import CHANGE, REASON, GateDocument
from distribution.api.parameters import LARGEST_PAGE, PAGE
from distribution.explain.missed import MISSED_REASONS
from distribution.explain.remedy import WhatIfResult
from distribution.models import AssignmentState, BuyerScope, LedgerKind
from routing.api.documents import LIMIT_HEADERS, describe_errors
from routing.api.schemas import AttributesDocument

Operation = TypeVar("Operation", bound=Callable[..., Any])
FIXER: Final = (
    "Who can change it: buyer (you), agency, lead (nobody), outranked (nobody: others came first) or system."
)


class CampaignDocument(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()


class KeyDocument(serializers.Serializer[Any]):
    """The key that asks."""

    name = serializers.CharField()
    prefix = serializers.CharField()
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=BuyerScope.choices))
    expires_at = serializers.DateTimeField(allow_null=True)


class CapsDocument(serializers.Serializer[Any]):
    """For each window of the buyer's own clock; null: no limit."""

    hour = serializers.IntegerField(allow_null=True)
    day = serializers.IntegerField(allow_null=True)
    week = serializers.IntegerField(allow_null=True)
    month = serializers.IntegerField(allow_null=True)


class EnrollmentDocument(serializers.Serializer[Any]):
    """Your place in a campaign."""

    campaign = CampaignDocument()
    active = serializers.BooleanField()
    bid_cents = serializers.IntegerField(allow_null=True, help_text="null: the campaign's price.")
    caps = CapsDocument(help_text="Leads.")
    budgets_cents = CapsDocument(help_text="Cents.")


class MeDocument(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    agency = serializers.CharField()
    timezone = serializers.CharField(help_text="Days, caps and hours are counted on this clock.")
    paused_at = serializers.DateTimeField(allow_null=True, help_text="Set: you get no leads.")
    key = KeyDocument()
    enrollments = EnrollmentDocument(many=True)


class WalletDocument(serializers.Serializer[Any]):
    """Integer cents."""

    balance_cents = serializers.IntegerField()
    held_cents = serializers.IntegerField(help_text="Part of the balance that is reserved.")
    credit_limit_cents = serializers.IntegerField(help_text="How far below zero the balance may go.")
    available_cents = serializers.IntegerField(help_text="What leads can be bought for now.")


class EntryDocument(serializers.Serializer[Any]):
    """One movement of the balance. Entries never change."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=LedgerKind.choices)
    amount_cents = serializers.IntegerField(help_text="Signed: a charge is negative.")
    balance_after_cents = serializers.IntegerField()
    assignment_id = serializers.UUIDField(allow_null=True)
    reason = serializers.CharField()
    created_at = serializers.DateTimeField()


class ContactDocument(serializers.Serializer[Any]):
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    email = serializers.CharField()
    phone = serializers.CharField(help_text="E.164.")
    phone_extension = serializers.CharField(allow_blank=True, help_text="Digits to dial behind the number.")
    address = serializers.CharField()


class BoughtLeadDocument(serializers.Serializer[Any]):
    """`contact`, `attributes` and `consent` are null once the lead was returned."""

    id = serializers.UUIDField()
    received_at = serializers.DateTimeField()
    vertical = serializers.CharField()
    zip = serializers.CharField()
    city = serializers.CharField()
    county = serializers.CharField()
    state = serializers.CharField()
    country = serializers.CharField()
    contact = ContactDocument(allow_null=True)
    attributes = AttributesDocument(allow_null=True)
    consent = AttributesDocument(allow_null=True, help_text="Proof of consent as the source sent it.")


class AssignmentDocument(serializers.Serializer[Any]):
    """A lead that you bought."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=AssignmentState.choices)
    price_cents = serializers.IntegerField()
    campaign = CampaignDocument()
    sold_at = serializers.DateTimeField()
    returned_at = serializers.DateTimeField(allow_null=True)
    lead = BoughtLeadDocument()


class MissedLeadHead(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    received_at = serializers.DateTimeField()
    vertical = serializers.CharField()
    zip = serializers.CharField()
    state = serializers.CharField()


class SkipDocument(serializers.Serializer[Any]):
    """Why an attempt passed you over."""

    decided_at = serializers.DateTimeField()
    reason = serializers.CharField(help_text=REASON)
    sentence = serializers.CharField()
    change = serializers.CharField(help_text=CHANGE)
    fixer = serializers.CharField(help_text=FIXER)
    price_cents = serializers.IntegerField(allow_null=True, help_text="What you would have paid.")
    ranked_higher = serializers.IntegerField(
        allow_null=True, help_text="How many buyers ranked higher; only for outranked."
    )
    gates = GateDocument(many=True, help_text="Everything that was in the way; the first gives the reason.")


class MissedDocument(SkipDocument):
    """A lead that you were enrolled for and did not get: its latest attempt."""

    lead = MissedLeadHead()
    campaign = CampaignDocument(allow_null=True)
    attempts = serializers.IntegerField(help_text="How often the lead was tried.")
    next_attempt_at = serializers.DateTimeField(
        allow_null=True, help_text="When it is tried again, and may still be yours; null: never."
    )


class PassedOverDocument(SkipDocument):
    attempt = serializers.IntegerField(help_text="1 for the first attempt of the lead.")


class CheckDocument(serializers.Serializer[Any]):
    """What the engine says about the latest attempt, asked again with everything changed that was in your way."""

    ending = serializers.ChoiceField(choices=[each.value for each in WhatIfResult] + ["unchecked"])
    is_confirmed = serializers.BooleanField(help_text="The lead would have been yours.")
    ranked_higher = serializers.IntegerField(
        allow_null=True, help_text="How many buyers would still have ranked higher; only when outranked."
    )
    price_cents = serializers.IntegerField(allow_null=True)
    sentence = serializers.CharField()


class MissedLeadDocument(MissedDocument):
    check = CheckDocument()
    history = PassedOverDocument(
        many=True, help_text="Every attempt that passed you over, newest first, at most 50."
    )


class LedgerPage(serializers.Serializer[Any]):
    results = EntryDocument(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class AssignmentPage(serializers.Serializer[Any]):
    results = AssignmentDocument(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class MissedPage(serializers.Serializer[Any]):
    results = MissedDocument(many=True)
    next_cursor = serializers.CharField(allow_null=True)


LIMIT: Final = OpenApiParameter(
    "limit",
    type={"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE, "default": PAGE},
    description="How many to a page.",
)
CURSOR: Final = OpenApiParameter(
    "cursor",
    type={"type": "string", "pattern": "^[A-Za-z0-9_-]{27}$"},
    description="The `next_cursor` of the page before.",
)


def _choice(name: str, values: list[str], description: str) -> OpenApiParameter:
    return OpenApiParameter(name, type=OpenApiTypes.STR, enum=values, description=description)


def _document(
    operation_id: str,
    summary: str,
    answer: Any,
    *errors: int,
    description: str = "",
    parameters: tuple[OpenApiParameter, ...] = (),
) -> Callable[[Operation], Operation]:
    """One reading operation of buyers, with its example, errors and headers."""
    return extend_schema(
        operation_id=operation_id,
        summary=summary,
        description=description or f"{summary}.",
        tags=["buyers"],
        parameters=[*parameters, *LIMIT_HEADERS],
        responses={200: OpenApiResponse(answer, description=summary), **describe_errors(*errors)},
        examples=[*examples.OF[operation_id], *examples.ERRORS],
    )


GET_ME: Final = _document("buyer_me", "Who you are, and where you are enrolled", MeDocument)
GET_WALLET: Final = _document("buyer_wallet", "What your wallet holds", WalletDocument)
LIST_LEDGER: Final = _document(
    "buyer_ledger_list",
    "Movements of your balance, newest first",
    LedgerPage,
    400,
    parameters=(
        _choice("kind", LedgerKind.values, "Only this kind."),
        OpenApiParameter("from", type=OpenApiTypes.DATETIME, description="From this instant on."),
        OpenApiParameter("to", type=OpenApiTypes.DATETIME, description="Before this instant."),
        LIMIT,
        CURSOR,
    ),
)
LIST_ASSIGNMENTS: Final = _document(
    "buyer_assignments_list",
    "Leads that you bought, newest first",
    AssignmentPage,
    400,
    parameters=(
        _choice("state", AssignmentState.values, "Only those in this state."),
        OpenApiParameter("day", type=OpenApiTypes.DATE, description="Bought on this day of your calendar."),
        LIMIT,
        CURSOR,
    ),
)
GET_ASSIGNMENT: Final = _document(
    "buyer_assignments_retrieve", "One lead that you bought", AssignmentDocument, 404
)
LIST_MISSED: Final = _document(
    "buyer_missed_list",
    "Leads that you did not get, and why, newest first",
    MissedPage,
    400,
    description="Leads that you were enrolled for and whose latest attempt passed you over. One row for each lead.",
    parameters=(
        _choice(
            "reason",
            MISSED_REASONS,
            "Only those missed for this reason. Looks at 5,000 events at a time: fewer leads than `limit`, or none, are"
            " the end only where `next_cursor` is null.",
        ),
        LIMIT,
        CURSOR,
    ),
)
GET_MISSED: Final = _document(
    "buyer_missed_retrieve",
    "One lead that you did not get, attempt by attempt",
    MissedLeadDocument,
    404,
    description="By the id of the lead, as `missed/` gives it.",
)

"""The OpenAPI schema of the buyers' API. Nothing here runs during a request.

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
    "Who can change it: buyer (you) or agency. No one can if it is lead (the lead itself), outranked (other buyers "
    "ranked higher) or system (it resolves on its own)."
)


class CampaignDocument(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()


class KeyDocument(serializers.Serializer[Any]):
    """The key of this request."""

    name = serializers.CharField()
    prefix = serializers.CharField()
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=BuyerScope.choices))
    expires_at = serializers.DateTimeField(allow_null=True)


class CapsDocument(serializers.Serializer[Any]):
    """For each window in the buyer's time zone; null: no limit."""

    hour = serializers.IntegerField(allow_null=True)
    day = serializers.IntegerField(allow_null=True)
    week = serializers.IntegerField(allow_null=True)
    month = serializers.IntegerField(allow_null=True)


class EnrollmentDocument(serializers.Serializer[Any]):
    """Your place in a campaign."""

    campaign = CampaignDocument()
    active = serializers.BooleanField()
    bid_cents = serializers.IntegerField(allow_null=True, help_text="Null: the campaign's price.")
    caps = CapsDocument(help_text="Leads.")
    budgets_cents = CapsDocument(help_text="Cents.")


class MeDocument(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    agency = serializers.CharField()
    timezone = serializers.CharField(help_text="Time zone for your days, caps and hours.")
    paused_at = serializers.DateTimeField(allow_null=True, help_text="If set, you get no leads.")
    key = KeyDocument()
    enrollments = EnrollmentDocument(many=True)


class WalletDocument(serializers.Serializer[Any]):
    """Integer cents."""

    balance_cents = serializers.IntegerField()
    held_cents = serializers.IntegerField(
        help_text="Part of the balance, held for leads that wait for your system."
    )
    credit_limit_cents = serializers.IntegerField(help_text="How far below $0 the balance may go.")
    available_cents = serializers.IntegerField(help_text="Amount available to buy leads.")


class EntryDocument(serializers.Serializer[Any]):
    """One movement of the balance. Entries never change."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=LedgerKind.choices)
    amount_cents = serializers.IntegerField(help_text="Charges are negative.")
    balance_after_cents = serializers.IntegerField()
    assignment_id = serializers.UUIDField(allow_null=True)
    reason = serializers.CharField()
    created_at = serializers.DateTimeField()


class ContactDocument(serializers.Serializer[Any]):
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    email = serializers.CharField()
    phone = serializers.CharField(help_text="E.164.")
    phone_extension = serializers.CharField(allow_blank=True, help_text="Extension to dial.")
    address = serializers.CharField()


class BoughtLeadDocument(serializers.Serializer[Any]):
    """`contact`, `attributes` and `consent` are null unless the lead is sold to you."""

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
    """A lead that you bought, or that your system was asked to accept."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=AssignmentState.choices)
    price_cents = serializers.IntegerField(
        help_text="Charged if the lead is sold. Held while it waits for your system."
    )
    is_test = serializers.BooleanField(
        help_text="A test: the lead is not a real person, and you were not charged its price."
    )
    campaign = CampaignDocument()
    assigned_at = serializers.DateTimeField(
        help_text="When the lead was sold to you, or your system was asked."
    )
    sold_at = serializers.DateTimeField(
        allow_null=True,
        help_text="When you were charged. Null: your system has not answered yet, or it rejected the lead.",
    )
    settled_at = serializers.DateTimeField(
        allow_null=True,
        help_text="When your system accepted or rejected the lead. Null: it was not asked, or has not answered yet.",
    )
    reject_reason = serializers.CharField(
        allow_null=True, help_text="What your system answered, without personal data."
    )
    returned_at = serializers.DateTimeField(allow_null=True)
    lead = BoughtLeadDocument()


class MissedLeadHead(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    received_at = serializers.DateTimeField()
    vertical = serializers.CharField()
    zip = serializers.CharField()
    state = serializers.CharField()


class SkipDocument(serializers.Serializer[Any]):
    """Why an attempt skipped you."""

    decided_at = serializers.DateTimeField()
    reason = serializers.CharField(help_text=REASON)
    sentence = serializers.CharField()
    change = serializers.CharField(help_text=CHANGE)
    fixer = serializers.CharField(help_text=FIXER)
    price_cents = serializers.IntegerField(allow_null=True, help_text="The price you would have paid.")
    ranked_higher = serializers.IntegerField(
        allow_null=True, help_text="How many buyers ranked higher. Only if outranked."
    )
    gates = GateDocument(many=True, help_text="Every check that failed. The first is the reason.")


class MissedDocument(SkipDocument):
    """A lead that you were enrolled for and did not get: its latest attempt."""

    lead = MissedLeadHead()
    campaign = CampaignDocument(allow_null=True)
    attempts = serializers.IntegerField(help_text="Number of attempts.")
    next_attempt_at = serializers.DateTimeField(
        allow_null=True, help_text="When it is tried again and you may still get it. Null: never."
    )


class PassedOverDocument(SkipDocument):
    attempt = serializers.IntegerField(help_text="1 for the first attempt of the lead.")


class CheckDocument(serializers.Serializer[Any]):
    """The result of the latest attempt if every check that you failed had passed. The engine computes it."""

    ending = serializers.ChoiceField(choices=[each.value for each in WhatIfResult] + ["unchecked"])
    is_confirmed = serializers.BooleanField(help_text="You would have gotten the lead.")
    ranked_higher = serializers.IntegerField(
        allow_null=True, help_text="How many buyers would still have ranked higher. Only if outranked."
    )
    price_cents = serializers.IntegerField(allow_null=True)
    sentence = serializers.CharField()


class MissedLeadDocument(MissedDocument):
    check = CheckDocument()
    history = PassedOverDocument(
        many=True, help_text="Each attempt that skipped you, newest first, at most 50."
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
    description="Results per page.",
)
CURSOR: Final = OpenApiParameter(
    "cursor",
    type={"type": "string", "pattern": "^[A-Za-z0-9_-]{27}$"},
    description="`next_cursor` of the previous page.",
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


GET_ME: Final = _document("buyer_me", "Your account and enrollments", MeDocument)
GET_WALLET: Final = _document("buyer_wallet", "Your wallet", WalletDocument)
LIST_LEDGER: Final = _document(
    "buyer_ledger_list",
    "Changes to your balance, newest first",
    LedgerPage,
    400,
    parameters=(
        _choice("kind", LedgerKind.values, "Only this kind."),
        OpenApiParameter("from", type=OpenApiTypes.DATETIME, description="At or after this time."),
        OpenApiParameter("to", type=OpenApiTypes.DATETIME, description="Before this time."),
        LIMIT,
        CURSOR,
    ),
)
LIST_ASSIGNMENTS: Final = _document(
    "buyer_assignments_list",
    "Leads you bought, newest first",
    AssignmentPage,
    400,
    parameters=(
        _choice("state", AssignmentState.values, "Only those with this status."),
        OpenApiParameter(
            "day", type=OpenApiTypes.DATE, description="Assigned on this day, in your time zone."
        ),
        LIMIT,
        CURSOR,
    ),
)
GET_ASSIGNMENT: Final = _document(
    "buyer_assignments_retrieve", "One lead you bought", AssignmentDocument, 404
)
LIST_MISSED: Final = _document(
    "buyer_missed_list",
    "Leads you did not get and why, newest first",
    MissedPage,
    400,
    description="Leads whose latest attempt skipped you while you were enrolled. One row per lead.",
    parameters=(
        _choice(
            "reason",
            MISSED_REASONS,
            "Only those missed for this reason. Each request searches 5,000 events, so a page can have fewer "
            "leads than `limit` or none. It is the last page only if `next_cursor` is null.",
        ),
        LIMIT,
        CURSOR,
    ),
)
GET_MISSED: Final = _document(
    "buyer_missed_retrieve",
    "One lead you did not get, attempt by attempt",
    MissedLeadDocument,
    404,
    description="Use the lead id from `missed/`.",
)

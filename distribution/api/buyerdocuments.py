"""The OpenAPI schema of the buyers' API. Nothing here runs during a request.

The documents mirror distribution.api.buyeranswers field by field; a test compares them.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from distribution.api import buyerexamples as examples
from distribution.api.parameters import LARGEST_PAGE, PAGE
from distribution.models import AssignmentState, BuyerScope, LedgerKind
from routing.api.documents import LIMIT_HEADERS, describe_errors
from routing.api.schemas import AttributesDocument

Operation = TypeVar("Operation", bound=Callable[..., Any])


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


class WalletDocument(serializers.Serializer[Any]):
    """Integer cents."""

    balance_cents = serializers.IntegerField()
    held_cents = serializers.IntegerField(
        help_text="Part of the balance, held for leads that wait for your system."
    )
    credit_limit_cents = serializers.IntegerField(help_text="How far below $0 the balance may go.")
    available_cents = serializers.IntegerField(help_text="Amount available to buy leads.")
    notice_below_cents = serializers.IntegerField(
        allow_null=True, help_text="`wallet.low` is sent when less than this is available. Null: never."
    )


class EntryDocument(serializers.Serializer[Any]):
    """One movement of the balance. Entries never change."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=LedgerKind.choices)
    amount_cents = serializers.IntegerField(help_text="Charges are negative.")
    other_side = serializers.CharField(help_text="In words: where the money came from, or went to.")
    balance_after_cents = serializers.IntegerField()
    assignment_id = serializers.UUIDField(allow_null=True)
    reason = serializers.CharField(
        help_text="Of a movement that your agency booked by hand: what it wrote for you, if anything."
    )
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


class LedgerPage(serializers.Serializer[Any]):
    results = EntryDocument(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class AssignmentPage(serializers.Serializer[Any]):
    results = AssignmentDocument(many=True)
    next_cursor = serializers.CharField(allow_null=True)
    next_since = serializers.CharField(
        allow_null=True,
        help_text="With `since`: what to send next time. Always there, also if nothing is new.",
    )


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


def choice(name: str, values: list[str], description: str) -> OpenApiParameter:
    return OpenApiParameter(name, type=OpenApiTypes.STR, enum=values, description=description)


def document(
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


LIST_LEDGER: Final = document(
    "buyer_ledger_list",
    "Changes to your balance, newest first",
    LedgerPage,
    400,
    parameters=(
        choice("kind", LedgerKind.values, "Only this kind."),
        OpenApiParameter("from", type=OpenApiTypes.DATETIME, description="At or after this time."),
        OpenApiParameter("to", type=OpenApiTypes.DATETIME, description="Before this time."),
        LIMIT,
        CURSOR,
    ),
)
LIST_ASSIGNMENTS: Final = document(
    "buyer_assignments_list",
    "Leads you bought, newest first",
    AssignmentPage,
    400,
    parameters=(
        choice("state", AssignmentState.values, "Only those with this status."),
        OpenApiParameter(
            "day", type=OpenApiTypes.DATE, description="Assigned on this day, in your time zone."
        ),
        OpenApiParameter(
            "since",
            type=OpenApiTypes.STR,
            description="For polling: oldest first, each once, without gaps. `next_since` of the last answer, or a time"
            " to begin with. Not with `state`, `day` or `cursor`.",
        ),
        LIMIT,
        CURSOR,
    ),
)
GET_ASSIGNMENT: Final = document("buyer_assignments_retrieve", "One lead you bought", AssignmentDocument, 404)

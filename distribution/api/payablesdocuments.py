"""The OpenAPI schema of the statement of a source. Nothing here runs during a request."""

from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from routing.api.documents import LIMIT_HEADERS, describe_errors
from routing.api.examples import TOO_FAST_EXAMPLE


class FiguresDocument(serializers.Serializer[Any]):
    """Amounts are signed: deductions and payments are 0 or below."""

    leads = serializers.IntegerField(
        help_text="Leads that were sold. One that was sold on two days counts once."
    )
    sales = serializers.IntegerField(help_text="A lead may be sold to several buyers.")
    returns = serializers.IntegerField(help_text="Returned sales and partial refunds.")
    charged_back = serializers.IntegerField(help_text="Leads of which something was deducted.")
    earned_cents = serializers.IntegerField()
    deducted_cents = serializers.IntegerField()
    adjusted_cents = serializers.IntegerField()
    paid_cents = serializers.IntegerField()


class StatementDayDocument(FiguresDocument):
    day = serializers.DateField()
    balance_cents = serializers.IntegerField(help_text="What is owed at the end of the day.")


class ChargedBackDocument(serializers.Serializer[Any]):
    """A buyer got money back for this lead, so less is owed for it."""

    day = serializers.DateField()
    lead_id = serializers.UUIDField()
    external_id = serializers.CharField(allow_null=True, help_text="Your own id of the lead.")
    deducted_cents = serializers.IntegerField(help_text="Below 0.")


class StatementDocument(serializers.Serializer[Any]):
    """What the source is owed."""

    first_day = serializers.DateField()
    last_day = serializers.DateField()
    timezone = serializers.CharField(help_text="The time zone of the workspace, in which days begin and end.")
    opening_balance_cents = serializers.IntegerField(help_text="What was owed before the first day.")
    closing_balance_cents = serializers.IntegerField(help_text="What is owed at the end of the last day.")
    total = FiguresDocument()
    days = StatementDayDocument(many=True, help_text="Days without an entry are left out.")
    charged_back_leads = ChargedBackDocument(
        many=True,
        help_text="Returned leads, newest first. At most 1,000: ask for a shorter period for others.",
    )


_FIGURES: Final = {
    "leads": 2,
    "sales": 2,
    "returns": 1,
    "charged_back": 1,
    "earned_cents": 1_000,
    "deducted_cents": -500,
    "adjusted_cents": 0,
    "paid_cents": 0,
}
EXAMPLE: Final = OpenApiExample(
    "A month with two sales",
    value={
        "first_day": "2026-01-01",
        "last_day": "2026-01-31",
        "timezone": "America/New_York",
        "opening_balance_cents": 0,
        "closing_balance_cents": 500,
        "total": _FIGURES,
        "days": [{"day": "2026-01-15", **_FIGURES, "balance_cents": 500}],
        "charged_back_leads": [
            {
                "day": "2026-01-15",
                "lead_id": "01a20094-d901-71ad-ae8f-000000000002",
                "external_id": "form-1001",
                "deducted_cents": -500,
            }
        ],
    },
    response_only=True,
    status_codes=["200"],
)


def _day(name: str, description: str) -> OpenApiParameter:
    return OpenApiParameter(name, type=OpenApiTypes.DATE, description=description)


GET_PAYABLES: Final = extend_schema(
    operation_id="payables",
    summary="Read what the source is owed",
    description="The statement of the key's own source by day, in the time zone of its workspace. At most 366 days.",
    tags=["payables"],
    parameters=[
        _day("first_day", "The first day, included. Default: the first day of the current month."),
        _day("last_day", "The last day, included. Default: today."),
        *LIMIT_HEADERS,
    ],
    responses={200: OpenApiResponse(StatementDocument, description="The statement."), **describe_errors()},
    examples=[EXAMPLE, TOO_FAST_EXAMPLE],
)

"""The OpenAPI schema of buyers' statements. Nothing here runs during a request."""

from typing import Any, Final

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from distribution.api.buyerdocuments import CURSOR, LIMIT, document
from distribution.models import NOT_OF_SALES


class StatementSummaryDocument(serializers.Serializer[Any]):
    """Amounts are signed as in the ledger: charges are negative. Opening balance + movements = closing balance."""

    number = serializers.IntegerField(help_text="Of your agency's statements.")
    month = serializers.CharField(help_text="Such as 2026-01, in your time zone.")
    timezone = serializers.CharField()
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    opening_balance_cents = serializers.IntegerField()
    leads = serializers.IntegerField(help_text="Leads that were charged.")
    charged_cents = serializers.IntegerField(help_text="For leads.")
    refunded_cents = serializers.IntegerField(help_text="For returns.")
    topped_up_cents = serializers.IntegerField()
    adjusted_cents = serializers.IntegerField()
    card_refunded_cents = serializers.IntegerField()
    charged_back_cents = serializers.IntegerField()
    won_back_cents = serializers.IntegerField()
    closing_balance_cents = serializers.IntegerField()
    held_cents = serializers.IntegerField(help_text="Held at the end of the month. No part of the movements.")
    due_cents = serializers.IntegerField(help_text="How far the closing balance is below 0.")
    due_on = serializers.DateField(help_text="The last day to pay.")
    outstanding_cents = serializers.IntegerField(help_text="What is still to be paid now.")
    is_overdue = serializers.BooleanField()
    issued_at = serializers.DateTimeField()


class StatementCampaignDocument(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    leads = serializers.IntegerField()
    amount_cents = serializers.IntegerField()


class StatementMovementDocument(serializers.Serializer[Any]):
    """A movement that is no charge for a lead. `lead_id`: of a refund."""

    day = serializers.DateField()
    kind = serializers.ChoiceField(choices=NOT_OF_SALES)
    entry_id = serializers.UUIDField(help_text="Of the ledger.")
    lead_id = serializers.UUIDField(allow_null=True)
    amount_cents = serializers.IntegerField()


class BuyerStatementDocument(StatementSummaryDocument):
    buyer = serializers.CharField()
    agency = serializers.CharField()
    terms_days = serializers.IntegerField(allow_null=True, help_text="Null: prepaid.")
    credit_limit_cents = serializers.IntegerField()
    campaigns = StatementCampaignDocument(many=True)
    movements = StatementMovementDocument(
        many=True, help_text="Newest first, at most 1,000. The sums above are whole."
    )


class StatementPageDocument(serializers.Serializer[Any]):
    results = StatementSummaryDocument(many=True)
    next_cursor = serializers.CharField(allow_null=True)


NUMBER: Final = OpenApiParameter(
    "number",
    type={"type": "integer", "minimum": 0},
    location=OpenApiParameter.PATH,
    description="Of the statement.",
)
LIST_STATEMENTS: Final = document(
    "buyer_statements_list",
    "Your monthly statements, newest first",
    StatementPageDocument,
    400,
    description="One for each month, issued after it if you pay on net terms. It never changes.",
    parameters=(LIMIT, CURSOR),
)
GET_STATEMENT: Final = document(
    "buyer_statements_retrieve",
    "One statement",
    BuyerStatementDocument,
    404,
    description="It names leads by their ids alone.",
    parameters=(NUMBER,),
)

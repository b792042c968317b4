"""The monthly statements of a buyer on net terms, for the buyer itself."""

from datetime import UTC, datetime
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from distribution.api import statementdocuments as documents
from distribution.api.buyer import PAGED, BuyerView
from distribution.models import MOVED, BuyerScope, BuyerStatement
from distribution.statements.queries import find_statement, list_statements
from routing.api.answers import write_time
from routing.api.keyview import not_found


class StatementsView(BuyerView):
    scopes = {"get": BuyerScope.WALLET_READ}
    query_parameters = {"get": PAGED}

    @documents.LIST_STATEMENTS
    def get(self, request: Request) -> Response:  # noqa: ARG002 - the signature is DRF's
        paging = self.read_paging("statements")
        found = list_statements(self.buyer, limit=paging.most_read, before=paging.before)
        return Response(paging.describe(found, describe_statement))


class StatementView(BuyerView):
    scopes = {"get": BuyerScope.WALLET_READ}

    @documents.GET_STATEMENT
    def get(self, request: Request, number: int) -> Response:  # noqa: ARG002 - the signature is DRF's
        return Response(describe_in_full(self.find(number)))

    def find(self, number: int) -> BuyerStatement:
        found = find_statement(number, buyer=self.buyer)
        if found is None:
            raise not_found()
        return found


def describe_statement(statement: BuyerStatement) -> dict[str, Any]:
    """Needs `outstanding_cents`."""
    outstanding_cents: int = statement.outstanding_cents  # type: ignore[attr-defined]  # annotated
    return {
        "number": statement.number,
        "month": f"{statement.month:%Y-%m}",
        "timezone": statement.timezone,
        "starts_at": write_time(statement.starts_at),
        "ends_at": write_time(statement.ends_at),
        "opening_balance_cents": statement.opening_cents,
        "leads": statement.leads,
        **{name: getattr(statement, name) for name in MOVED},
        "closing_balance_cents": statement.closing_cents,
        "held_cents": statement.held_cents,
        "due_cents": statement.due_cents,
        "due_on": statement.due_on.isoformat(),
        "outstanding_cents": outstanding_cents,
        "is_overdue": outstanding_cents > 0 and statement.due_at <= datetime.now(UTC),
        "issued_at": write_time(statement.issued_at),
    }


def describe_in_full(statement: BuyerStatement) -> dict[str, Any]:
    details = statement.details
    return {
        **describe_statement(statement),
        "buyer": statement.buyer_name,
        "agency": statement.workspace_name,
        "terms_days": statement.terms_days,
        "credit_limit_cents": statement.credit_limit_cents,
        "campaigns": details["campaigns"],
        "movements": details["movements"],
    }

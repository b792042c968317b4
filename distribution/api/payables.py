"""What a source is owed, for the source itself."""

from datetime import UTC, date, datetime
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from distribution.api import payablesdocuments as documents
from distribution.payables.statement import (
    Figures,
    PeriodRefused,
    Statement,
    current_month,
    read_statement,
)
from routing.api.authentication import get_source
from routing.api.leads import SourceView
from routing.api.parameters import wrong_parameter
from routing.models import SourceScope


class PayablesView(SourceView):
    """The statement of the key's own source. It names no buyer and no price, and of leads only those that came back."""

    scopes = {"get": SourceScope.PAYABLES_READ}
    query_parameters = {"get": ("first_day", "last_day")}

    @documents.GET_PAYABLES
    def get(self, request: Request) -> Response:
        source = get_source(request)
        start, today = current_month(source, at=datetime.now(UTC))
        first_day = _read_day(request, "first_day", default=start)
        last_day = _read_day(request, "last_day", default=max(today, first_day))
        try:
            statement = read_statement(source, first_day=first_day, last_day=last_day)
        except PeriodRefused as refusal:
            raise wrong_parameter("last_day", f"cannot be used: {refusal}") from None
        return Response(_describe(statement))


def _read_day(request: Request, name: str, *, default: date) -> date:
    text = request.query_params.get(name)
    if text is None:
        return default
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise wrong_parameter(name, "must be a date such as 2026-01-31") from None


def _describe(statement: Statement) -> dict[str, Any]:
    return {
        "first_day": statement.first_day.isoformat(),
        "last_day": statement.last_day.isoformat(),
        "timezone": statement.timezone,
        "opening_balance_cents": statement.opening_cents,
        "closing_balance_cents": statement.closing_cents,
        "total": _describe_figures(statement.total),
        "days": [
            {
                "day": each.day.isoformat(),
                **_describe_figures(each.figures),
                "balance_cents": each.balance_cents,
            }
            for each in statement.days
        ],
        "charged_back_leads": [
            {
                "day": lead.day.isoformat(),
                "lead_id": str(lead.lead_id),
                "external_id": lead.external_id or None,
                "deducted_cents": lead.deducted_cents,
            }
            for lead in statement.charged_back
        ],
    }


def _describe_figures(figures: Figures) -> dict[str, int]:
    return {
        "leads": figures.leads,
        "sales": figures.sales,
        "returns": figures.returns,
        "charged_back": figures.charged_back,
        "earned_cents": figures.earned_cents,
        "deducted_cents": figures.deducted_cents,
        "adjusted_cents": figures.adjusted_cents,
        "paid_cents": figures.paid_cents,
    }

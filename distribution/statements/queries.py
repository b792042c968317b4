"""Issued statements with what is still to be paid of them.

A statement carries the whole balance forward. So what came in after it pays its sum, the oldest debt first: top-ups,
refunds, upward adjustments and chargebacks that were won back.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.db.models import BigIntegerField, F, OuterRef, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce, Greatest

from distribution.models import NOT_OF_SALES, Buyer, BuyerStatement, LedgerEntry

CENTS: Final = BigIntegerField()


def with_outstanding(statements: "QuerySet[BuyerStatement]") -> "QuerySet[BuyerStatement]":
    """Adds `outstanding_cents`. Each row reads the index of its wallet's rare entries."""
    # The same set of kinds as in the index, so that the planner may use it. Each of them above 0 pays.
    paid = (
        LedgerEntry.objects.filter(
            wallet=OuterRef("wallet"),
            pk__gt=OuterRef("last_entry_id"),
            kind__in=NOT_OF_SALES,
            amount_cents__gt=0,
        )
        .order_by()
        .values("wallet")
        .annotate(cents=Sum("amount_cents"))
        .values("cents")
    )
    return statements.annotate(
        outstanding_cents=Greatest(
            Value(0, CENTS),
            F("due_cents") - Coalesce(Subquery(paid, CENTS), Value(0, CENTS)),
            output_field=CENTS,
        )
    )


def only_overdue(statements: QuerySet[Any], *, at: datetime) -> QuerySet[Any]:
    """Past their day, and not paid in full. Needs `with_outstanding`."""
    return only_open(statements).filter(due_at__lte=at)


def only_open(statements: QuerySet[Any]) -> QuerySet[Any]:
    """Not paid in full. Needs `with_outstanding`."""
    return statements.filter(due_cents__gt=0, outstanding_cents__gt=0)


def list_statements(buyer: Buyer, *, limit: int, before: int | None) -> Sequence[BuyerStatement]:
    """Newest first, those before the row `before`."""
    found = _of(buyer).order_by("-pk")
    return list((found if before is None else found.filter(pk__lt=before))[:limit])


def find_statement(number: int, *, buyer: Buyer) -> BuyerStatement | None:
    return _of(buyer).filter(number=number).first()


def _of(buyer: Buyer) -> "QuerySet[BuyerStatement]":
    return with_outstanding(BuyerStatement.objects.filter(workspace=buyer.workspace_id, wallet__buyer=buyer))

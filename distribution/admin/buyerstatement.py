"""Statements of buyers: the list with what is overdue."""

from typing import Any, Final

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from distribution.admin.statement_pages import StatementPageAdmin
from distribution.models import BuyerStatement, StatementMailState, Wallet
from distribution.statements.queries import (
    only_open,
    only_overdue,
    with_outstanding,
)
from tracing.admin.columns import NOTHING, badge, money_column
from tracing.admin.filters import WorkspaceFilter
from tracing.parsing import parse_id, parse_text, parse_uuid

MAX_BUYERS: Final = 100
OPEN: Final = "open"
OVERDUE: Final = "overdue"
PAID: Final = "paid"


class PaymentFilter(admin.SimpleListFilter):
    title = "payment"
    parameter_name = "payment"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        return [(OVERDUE, "overdue"), (OPEN, "to be paid")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        """Another value, which only a changed address has, selects all."""
        if self.value() == OVERDUE:
            return only_overdue(queryset, at=timezone.now())
        return only_open(queryset) if self.value() == OPEN else queryset


class MailFilter(admin.SimpleListFilter):
    title = "mail"
    parameter_name = "mail"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        return list(StatementMailState.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        """Another value, which only a changed address has, selects all."""
        known = self.value() in StatementMailState.values
        return queryset.filter(mail__state=self.value()) if known else queryset


@admin.register(BuyerStatement)
class BuyerStatementAdmin(StatementPageAdmin):
    workspace_path = "workspace"
    list_display = ("number", "buyer_name", "of_month", "closing", "due", "due_on", "outstanding", "payment")
    list_filter = (PaymentFilter, MailFilter, WorkspaceFilter)
    list_select_related = ("workspace",)
    empty_list_text = "Buyers on net terms get a statement after each month. Set days to pay in their wallet."
    search_help_text = "A statement's number, or all or part of a buyer's name, or its public id."
    closing = money_column("closing_cents", label="closing balance")
    due = money_column("due_cents", label="due")
    outstanding = money_column("outstanding_cents", label="still to be paid")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return with_outstanding(super().get_queryset(request))

    def find_named(self, text: str, *, request: HttpRequest) -> Q:
        """By wallets that are looked up first."""
        if parse_text(text) is None:
            return Q(pk__in=[])
        public_id = parse_uuid(text)
        named = Q(buyer__public_id=public_id) if public_id else Q(buyer__name__icontains=text)
        wallets = self.admin_site.get_model_admin(Wallet).get_queryset(request).filter(named)
        first = self.find_first(wallets.order_by("pk"), most=MAX_BUYERS, what="buyers", request=request)
        number = parse_id(text)
        return Q(wallet_id__in=first) | (Q(pk__in=[]) if number is None else Q(number=number))

    @admin.display(description="month", ordering="month")
    def of_month(self, statement: BuyerStatement) -> str:
        return f"{statement.month:%B %Y}"

    @admin.display(description="payment")
    def payment(self, statement: Any) -> SafeString | str:
        if statement.due_cents == 0:
            return NOTHING
        if statement.outstanding_cents == 0:
            return badge("paid", code=PAID)
        return badge("overdue", code=OVERDUE) if statement.due_at <= timezone.now() else "to be paid"

"""Payments by card: what was asked for, what the provider said, and what was paid back or disputed."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from distribution.admin.cardpayment_actions import CardPaymentActionsAdmin
from distribution.models import (
    PENDING,
    CardDispute,
    CardPayment,
    CardRefund,
    PaymentOrigin,
    PaymentState,
    RefundState,
)
from tracing.admin.columns import NOTHING, money_column, time_column, word_column
from tracing.admin.filters import WorkspaceFilter
from tracing.admin.keyset import MAX_SCANNED
from tracing.parsing import parse_text, parse_uuid
from tracing.wording import moment, money, span

OPEN: Final = "1"


class OpenFilter(admin.SimpleListFilter):
    title = "has ended"
    parameter_name = "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        return [(OPEN, "no: open")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        """Another value, which only a changed address has, selects all."""
        return queryset.filter(state__in=PENDING) if self.value() == OPEN else queryset


@admin.register(CardPayment)
class CardPaymentAdmin(CardPaymentActionsAdmin):
    has_history = True
    workspace_path = "workspace"
    list_display = (
        "created",
        "buyer",
        "amount",
        "state_shown",
        "open_for",
        "origin_shown",
        "refunded",
        "card",
    )
    list_filter = (
        OpenFilter,
        ("state", admin.ChoicesFieldListFilter),
        ("origin", admin.ChoicesFieldListFilter),
        WorkspaceFilter,
    )
    list_select_related = ("workspace", "wallet__buyer__workspace", "card")
    search_help_text = "The public id of a payment, or the provider's id of its payment intent."
    exact_searches: ClassVar = {"public_id": parse_uuid, "provider_id": parse_text}
    scan_time = "created_at"
    empty_list_text = "Buyers who add a card buy credits with it. Their payments are listed here."
    fields = (
        *("public_id", "wallet", "amount", "state", "origin", "actor", "card", "provider_id", "failure_code"),
        *("created_at", "open_for", "sent_at", "ended_at", "tries", "refunded", "refund_failed"),
        *("refunds_shown", "disputes_shown"),
    )
    readonly_fields = ("amount", "open_for", "refunded", "refund_failed", "refunds_shown", "disputes_shown")
    created = time_column("created_at", label="asked")
    amount = money_column("amount_cents", label="amount")
    refunded = money_column("refunded_cents", label="paid back")
    refund_failed = money_column("refund_failed_cents", label="failed refunds")
    state_shown = word_column("state", words=dict(PaymentState.choices))
    origin_shown = word_column("origin", words=dict(PaymentOrigin.choices))

    def scan_limit(self, asked: Mapping[str, str], *, ids: Sequence[int] | None) -> int | None:  # noqa: ARG002
        """Those that are not ended are few and have an index."""
        is_ended = asked.get("state__exact", PENDING[0]) not in PENDING
        return MAX_SCANNED if is_ended or asked.get("origin__exact") else None

    def title_of(self, row: CardPayment) -> str:
        return (
            f"Card payment of {money(row.amount_cents)} by {row.wallet.buyer.name}, {moment(row.created_at)}"
        )

    @admin.display(description="buyer")
    def buyer(self, payment: CardPayment) -> str:
        return payment.wallet.buyer.name

    @admin.display(description="open for")
    def open_for(self, payment: CardPayment) -> str:
        if payment.state not in PENDING:
            return NOTHING
        return span((timezone.now() - payment.created_at).total_seconds())

    @admin.display(description="refunds")
    def refunds_shown(self, payment: CardPayment) -> SafeString | str:
        refunds = CardRefund.objects.filter(payment=payment).order_by("pk")
        lines = (
            (money(each.amount_cents), _describe_state(each), each.actor, moment(each.created_at))
            for each in refunds
        )
        return format_html_join("", "<p>{}: {}, asked by {} at {}</p>", lines) or NOTHING

    @admin.display(description="disputes")
    def disputes_shown(self, payment: CardPayment) -> SafeString | str:
        disputes = CardDispute.objects.filter(payment=payment).order_by("pk")
        lines = ((money(each.amount_cents), each.status, moment(each.created_at)) for each in disputes)
        return format_html_join("", "<p>{}: {}, since {}</p>", lines) or NOTHING


def _describe_state(refund: CardRefund) -> str:
    label = RefundState(refund.state).label
    if refund.state == RefundState.OPEN:
        return f"{label} for {span((timezone.now() - refund.created_at).total_seconds())}"
    return f"{label} ({refund.failure_code})" if refund.failure_code else label

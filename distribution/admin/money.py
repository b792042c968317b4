"""Wallets and ledger entries: balances change only through the ledger."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone

from distribution.admin.accounts import AccountsAdmin
from distribution.admin.cards import describe_card, describe_recharge
from distribution.admin.dollars import LARGE_SUMS, DollarField, DollarsAdmin, check_large_sum
from distribution.admin.low_wallets import describe_hearers, link_subscriptions
from distribution.admin.money_actions import MoneyActionsAdmin
from distribution.admin.money_history import wallet_lines
from distribution.admin.recharge_actions import RechargeActionsAdmin, link_recharge
from distribution.admin.statement_pages import WalletStatementAdmin, link_statement
from distribution.models import NOT_OF_SALES, Assignment, Buyer, LedgerEntry, Wallet
from distribution.money.by_day import draw_balances
from distribution.money.by_hand import set_credit_limit_by_hand, set_notice_by_hand
from distribution.statements.terms import set_emails_by_hand, set_terms_by_hand
from routing.calendar.zones import UnknownTimezone, load_zone
from tracing.admin.audited import REASON, ReasonedForm
from tracing.admin.columns import NOTHING, money_column, time_column
from tracing.admin.days import DayByCreationFilter
from tracing.admin.filters import WorkspaceFilter
from tracing.admin.history import HistoryLine
from tracing.admin.keyset import MAX_SCANNED
from tracing.admin.named import named_field
from tracing.parsing import parse_text, parse_uuid
from tracing.wording import money

MAX_BUYERS: Final = 100  # whose entries one search shows


class WalletForm(ReasonedForm):
    """The page has locked the wallet: no sale comes between this check and the write."""

    # Set for each request.
    may_move_large_sums: ClassVar[bool] = False
    limit_again = DollarField(
        label="Confirm the new limit ($)",
        required=False,
        help_text="Required only above the amount that one person can grant at once.",
        widget=forms.NumberInput(attrs={"step": "0.01", "class": "admin-dollars"}),
    )

    class Meta:
        model = Wallet
        fields = ("credit_limit_cents", "notice_below_cents", "terms_days", "statement_emails")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        limit_cents = cleaned.get("credit_limit_cents")
        if limit_cents is None or self.errors:
            return cleaned
        wallet: Wallet = self.instance
        if wallet.balance_cents - wallet.held_cents < -limit_cents:
            text = f"The balance is already more than {money(limit_cents)} below $0. Top up first"
            raise ValidationError({"credit_limit_cents": text})
        if limit_cents > wallet.credit_limit_cents:
            again = cleaned.get("limit_again")
            why = check_large_sum(limit_cents, again=again, is_allowed=self.may_move_large_sums)
            if why:
                raise ValidationError(
                    {"limit_again" if self.may_move_large_sums else "credit_limit_cents": why}
                )
        return cleaned


def _find_zone(buyer: Buyer) -> ZoneInfo:
    """As the portal does: a name that no longer exists does not close the page."""
    try:
        return load_zone(buyer.timezone)
    except UnknownTimezone:
        return ZoneInfo("UTC")


@admin.register(Wallet)
class WalletAdmin(RechargeActionsAdmin, WalletStatementAdmin, MoneyActionsAdmin, DollarsAdmin):
    workspace_path = "buyer__workspace"
    form = WalletForm
    list_display = ("buyer", "balance", "held", "credit_limit", "notice_below")
    list_filter = ("buyer__workspace",)
    list_select_related = ("buyer__workspace",)
    search_fields = ("buyer__name",)
    empty_list_text = "Each buyer has a wallet. Add a buyer to create one."
    ordering = ("buyer__name",)
    fields = (
        "buyer",
        "balance",
        "held",
        "month",
        "credit_limit_cents",
        "limit_again",
        "notice_below_cents",
        "heard_by",
        "card_shown",
        "recharge_shown",
        "terms_days",
        "statement_emails",
        REASON,
    )
    readonly_fields = ("buyer", "balance", "held", "month", "heard_by", "card_shown", "recharge_shown")
    balance = money_column("balance_cents", label="balance")
    never_deleted = (
        "Wallets cannot be deleted: the ledger explains past charges. To empty a wallet, adjust its balance."
    )
    held = money_column("held_cents", label="held")
    credit_limit = money_column("credit_limit_cents", label="credit limit")
    notice_below = money_column("notice_below_cents", label="notice below")

    @admin.display(description="balance in the last 30 days")
    def month(self, wallet: Wallet) -> str:
        chart = draw_balances(wallet, at=timezone.now(), zone=_find_zone(wallet.buyer))
        return NOTHING if chart is None else render_to_string("wallet_chart.html", {"chart": chart})

    @admin.display(description="notices go to")
    def heard_by(self, wallet: Wallet) -> str:
        return describe_hearers(wallet)

    @admin.display(description="card")
    def card_shown(self, wallet: Wallet) -> str:
        return describe_card(wallet)

    @admin.display(description="automatic recharge")
    def recharge_shown(self, wallet: Wallet) -> str:
        return describe_recharge(wallet)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *arguments: Any, **named: Any
    ) -> HttpResponse:
        wallet = context.get("original")
        if wallet is not None:
            context["page_links"] = [
                *link_recharge(wallet, request=request),
                *link_statement(wallet, request=request),
                *link_subscriptions(wallet, request=request),
            ]
        return super().render_change_form(request, context, *arguments, **named)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        form.may_move_large_sums = request.user.has_perm(LARGE_SUMS)
        return form

    def history_of(self, row: Wallet, *, request: HttpRequest) -> list[HistoryLine]:
        return wallet_lines(row, request=request)

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - the database opens wallets
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: ARG002, FBT001
        by = {"actor": request.user.get_username(), "reason": form.cleaned_data[REASON]}
        if "terms_days" in form.changed_data:
            set_terms_by_hand(obj, terms_days=obj.terms_days, at=timezone.now(), **by)
        if "statement_emails" in form.changed_data:
            set_emails_by_hand(obj, emails=obj.statement_emails, **by)
        if "credit_limit_cents" in form.changed_data:
            set_credit_limit_by_hand(obj, limit_cents=obj.credit_limit_cents, **by)
        if "notice_below_cents" in form.changed_data:
            set_notice_by_hand(obj, below_cents=obj.notice_below_cents, **by)
        self.show_left_alone(request, form)


@admin.register(LedgerEntry)
class LedgerEntryAdmin(AccountsAdmin):
    change_list_template = "admin/distribution/ledgerentry/change_list.html"
    workspace_path = "wallet__buyer__workspace"
    list_display = (
        "id",
        "buyer",
        "kind",
        "amount",
        "other_account",
        "balance_after",
        "sale",
        "actor",
        "created",
    )
    list_filter = ("kind", "other_account", WorkspaceFilter, DayByCreationFilter)
    list_select_related = ("wallet__buyer__workspace",)
    search_help_text = (
        "All or part of a buyer's name, public id of a buyer or assignment, or a complete idempotency key."
    )
    exact_searches = {"idempotency_key": parse_text}
    scan_time = "created_at"
    empty_list_text = "Each top-up, sale, refund and adjustment is listed here."
    fields = (
        *(
            "wallet",
            "kind",
            "amount",
            "other_account",
            "balance_after",
            "idempotency_key",
            "sale",
            "actor",
            "reason",
            "buyer_note",
        ),
        "created_at",
    )
    readonly_fields = ("amount", "balance_after", "sale")
    named = {"assignment_id": "distribution.assignment"}
    named_in_list = ("assignment_id",)
    short_in_list = ("assignment_id",)
    sale = named_field("assignment_id", label="assignment")
    amount = money_column("amount_cents", label="amount")
    balance_after = money_column("balance_after_cents", label="balance after")
    created = time_column("created_at")

    @admin.display(description="buyer")
    def buyer(self, entry: LedgerEntry) -> str:
        return str(entry.wallet.buyer)

    def scan_limit(self, asked: Mapping[str, str], *, ids: Sequence[int] | None) -> int | None:
        kind, account = asked.get("kind__exact"), asked.get("other_account__exact")
        is_indexed = kind in NOT_OF_SALES or ids is not None or asked.get("day")
        return MAX_SCANNED if (kind or account) and not is_indexed else None

    def of_workspaces(self, queryset: QuerySet[Any], ids: Sequence[int]) -> QuerySet[Any]:
        """By wallet: the database has statistics of how many entries each wallet has, but none for a workspace."""
        wallets = Wallet.objects.filter(buyer__workspace__in=ids)
        return queryset.filter(wallet_id__in=list(wallets.values_list("pk", flat=True)))

    def find_named(self, text: str, *, request: HttpRequest) -> Q:
        """By ids that are looked up first: an OR over joined tables would read the whole ledger."""
        if parse_text(text) is None:
            return Q(pk__in=[])
        public_id = parse_uuid(text)
        buyers = Q(buyer__public_id=public_id) if public_id else Q(buyer__name__icontains=text)
        wallets = self.admin_site.get_model_admin(Wallet).get_queryset(request).filter(buyers)
        first = self.find_first(wallets.order_by("pk"), most=MAX_BUYERS, what="buyers", request=request)
        named = Q(wallet_id__in=first)
        if public_id:
            sold = Assignment.objects.filter(public_id=public_id)
            named |= Q(assignment_id__in=list(sold.values_list("pk", flat=True)))
        return super().find_named(text, request=request) | named

"""Wallets and ledger entries: balances move through the ledger alone."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.http import HttpRequest

from distribution.admin.dollars import DollarsAdmin
from distribution.admin.money_actions import MoneyActionsAdmin
from distribution.models import LedgerEntry, Wallet
from distribution.money import InsufficientCredits, set_credit_limit
from tracing.admin.audited import REASON, ReasonedForm
from tracing.admin.columns import money_column, time_column
from tracing.admin.readonly import ReadOnlyAdmin
from tracing.parsing import parse_text, parse_uuid


class WalletForm(ReasonedForm):
    """Writes the limit when everything else is right: a sale between a check and a later write could break it."""

    class Meta:
        model = Wallet
        fields = ("credit_limit_cents",)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        limit_cents = cleaned.get("credit_limit_cents")
        if limit_cents is None or self.errors:
            return cleaned
        self.limit_before = Wallet.objects.values_list("credit_limit_cents", flat=True).get(
            pk=self.instance.pk
        )
        try:
            set_credit_limit(self.instance.buyer_id, limit_cents=limit_cents)
        except InsufficientCredits as error:
            raise ValidationError({"credit_limit_cents": f"{error}".capitalize()}) from None
        return cleaned


@admin.register(Wallet)
class WalletAdmin(MoneyActionsAdmin, DollarsAdmin):
    workspace_path = "buyer__workspace"
    form = WalletForm
    list_display = ("buyer", "balance", "held", "credit_limit")
    list_filter = ("buyer__workspace",)
    list_select_related = ("buyer",)
    search_fields = ("buyer__name",)
    ordering = ("buyer__name",)
    fields = ("buyer", "balance", "held", "credit_limit_cents", REASON)
    readonly_fields = ("buyer", "balance", "held")
    balance = money_column("balance_cents", label="balance")
    held = money_column("held_cents", label="held")
    credit_limit = money_column("credit_limit_cents", label="credit limit")

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - the database opens wallets
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: ARG002, FBT001
        """The form has written it."""
        before = {"credit_limit_cents": form.limit_before}
        after = {"credit_limit_cents": obj.credit_limit_cents}
        if before != after:
            reason = form.cleaned_data[REASON]
            self.audit(request, obj, action="credit limit", reason=reason, before=before, after=after)


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin):
    workspace_path = "wallet__buyer__workspace"
    list_display = ("id", "buyer", "kind", "amount", "balance_after", "assignment", "actor", "created")
    list_filter = ("kind",)
    list_select_related = ("wallet__buyer", "assignment")
    search_help_text = "A buyer's or an assignment's public id, a whole idempotency key, or a buyer's name."
    exact_searches = {
        "wallet__buyer__public_id": parse_uuid,
        "assignment__public_id": parse_uuid,
        "idempotency_key": parse_text,
        "wallet__buyer__name": parse_text,
    }
    fields = (
        *("wallet", "kind", "amount", "balance_after", "idempotency_key", "assignment", "actor", "reason"),
        "created_at",
    )
    readonly_fields = ("amount", "balance_after")
    amount = money_column("amount_cents", label="amount")
    balance_after = money_column("balance_after_cents", label="balance after")
    created = time_column("created_at")

    @admin.display(description="buyer")
    def buyer(self, entry: LedgerEntry) -> str:
        return entry.wallet.buyer.name

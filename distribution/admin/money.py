"""Wallets and ledger entries: balances move through the ledger alone."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.http import HttpRequest

from distribution.admin.columns import money_column
from distribution.models import LedgerEntry, Wallet
from distribution.money import InsufficientCredits, set_credit_limit
from routing.admin.configuration import ConfigurationAdmin
from tracing.admin.readonly import ReadOnlyAdmin
from tracing.parsing import parse_text, parse_uuid


class WalletForm(forms.ModelForm):  # type: ignore[type-arg]  # cannot be subscripted when it runs
    """Writes the limit while it checks it: a sale between a check and a later write could break it."""

    class Meta:
        model = Wallet
        fields = ("credit_limit_cents",)

    def clean_credit_limit_cents(self) -> int:
        limit_cents = int(self.cleaned_data["credit_limit_cents"])
        if limit_cents < 0:
            raise ValidationError("A credit limit is 0 or more.")
        try:
            set_credit_limit(self.instance.buyer_id, limit_cents=limit_cents)
        except InsufficientCredits as error:
            raise ValidationError(f"{error}".capitalize()) from None
        return limit_cents


@admin.register(Wallet)
class WalletAdmin(ConfigurationAdmin):
    workspace_path = "buyer__workspace"
    form = WalletForm
    list_display = ("buyer", "balance", "held", "credit_limit", "version")
    list_filter = ("buyer__workspace",)
    list_select_related = ("buyer",)
    search_fields = ("buyer__name",)
    ordering = ("buyer__name",)
    fields = ("buyer", "balance", "held", "credit_limit_cents", "version")
    readonly_fields = ("buyer", "balance", "held", "version")
    balance = money_column("balance_cents", label="balance")
    held = money_column("held_cents", label="held")
    credit_limit = money_column("credit_limit_cents", label="credit limit")

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - the database opens wallets
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        return False

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:  # noqa: FBT001
        """The form has written it."""


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin):
    workspace_path = "wallet__buyer__workspace"
    list_display = ("id", "wallet", "kind", "amount", "balance_after", "assignment", "actor", "created_at")
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

"""Buyers and their places in campaigns."""

from typing import Final

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from distribution.admin.columns import money_column
from distribution.models import Buyer, Enrollment, Wallet
from routing.admin.configuration import ConfigurationAdmin
from routing.windows import WINDOW_KINDS
from tracing.wording import money

COUNTERS: Final = tuple(
    f"{window}_{counter}" for window in WINDOW_KINDS for counter in ("starts_at", "leads", "spent_cents")
)


@admin.register(Buyer)
class BuyerAdmin(ConfigurationAdmin):
    """A buyer is paused, never deleted: its wallet explains past money."""

    workspace_path = "workspace"
    list_display = ("name", "workspace", "balance", "timezone", "paused_at", "created_at")
    list_filter = (("paused_at", admin.EmptyFieldListFilter), "workspace")
    list_select_related = ("workspace", "wallet")
    search_fields = ("name",)
    ordering = ("workspace__name", "name")
    autocomplete_fields = ("workspace",)
    readonly_fields = ("public_id", "balance", "created_at")

    @admin.display(description="balance", ordering="wallet__balance_cents")
    def balance(self, buyer: Buyer) -> str | SafeString:
        """The database opens the wallet with the buyer, so a buyer that is being added has none yet."""
        wallet: Wallet | None = getattr(buyer, "wallet", None)
        if wallet is None:
            return "opened with the buyer"
        page = reverse("admin:distribution_wallet_change", args=[wallet.pk])
        return format_html('<a href="{}">{}</a>', page, money(wallet.balance_cents))

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        return False


@admin.register(Enrollment)
class EnrollmentAdmin(ConfigurationAdmin):
    """The counters are the distributor's: shown, never saved from here."""

    workspace_path = "campaign__workspace"
    list_display = (
        *("buyer", "campaign", "tier", "active", "weight", "priority", "bid", "cap_day", "day_leads"),
        "last_assigned_at",
    )
    list_filter = ("active", "campaign__workspace")
    list_select_related = ("buyer", "campaign", "tier")
    search_fields = ("buyer__name", "campaign__name")
    ordering = ("campaign__name", "buyer__name")
    autocomplete_fields = ("campaign", "tier", "buyer")
    readonly_fields = ("last_assigned_at", "virtual_finish", *COUNTERS)
    bid = money_column("bid_cents", label="bid")

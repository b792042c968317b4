"""Buyers and their places in campaigns."""

from typing import Final

from django.contrib import admin
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from distribution.admin.columns import money_column
from distribution.admin.maps import draw_area, draw_coverage
from distribution.coverage import measure_coverage
from distribution.describing import tell_answers, tell_area, tell_condition, tell_hours
from distribution.engine import DefinitionError
from distribution.locating import UnknownZip
from distribution.models import Buyer, Enrollment, Wallet
from distribution.standing import why_nothing_today
from routing.admin.configuration import ConfigurationAdmin
from routing.windows import WINDOW_KINDS
from tracing.wording import money

COUNTERS: Final = tuple(
    f"{window}_{counter}" for window in WINDOW_KINDS for counter in ("starts_at", "leads", "spent_cents")
)


@admin.register(Buyer)
class BuyerAdmin(ConfigurationAdmin):
    never_deleted = "A buyer is never deleted: its wallet explains past money. Pause it on its page instead."
    workspace_path = "workspace"
    list_display = ("name", "workspace", "balance", "timezone", "paused_at", "created_at")
    list_filter = (("paused_at", admin.EmptyFieldListFilter), "workspace")
    list_select_related = ("workspace", "wallet")
    search_fields = ("name",)
    empty_list_text = "Add the companies that buy leads, say where, and top their wallets up."
    ordering = ("workspace__name", "name")
    autocomplete_fields = ("workspace",)
    readonly_fields = ("public_id", "balance", "created_at", "coverage")
    tellers = {"service_area": tell_area, "answers": tell_answers, "hours": tell_hours}
    pictures = {"service_area": draw_area}
    change_form_template = "admin/leadswitch/change_form.html"

    @admin.display(description="balance", ordering="wallet__balance_cents")
    def balance(self, buyer: Buyer) -> str | SafeString:
        """The database opens the wallet with the buyer, so a buyer that is being added has none yet."""
        wallet: Wallet | None = getattr(buyer, "wallet", None)
        if wallet is None:
            return "opened with the buyer"
        page = reverse("admin:distribution_wallet_change", args=[wallet.pk])
        return format_html('<a href="{}">{}</a>', page, money(wallet.balance_cents))

    @admin.display(description="coverage")
    def coverage(self, buyer: Buyer) -> str | SafeString:
        """Of the area as it was saved."""
        try:
            coverage = measure_coverage(buyer.service_area)
        except (DefinitionError, UnknownZip) as error:
            return f"The area cannot be read: {error}"
        if coverage.zips == 0:
            return "Covers no ZIP: this buyer gets nothing. Name states, counties, ZIPs or a circle above, and save."
        return draw_coverage(coverage)


@admin.register(Enrollment)
class EnrollmentAdmin(ConfigurationAdmin):
    """The counters are the distributor's: shown, never saved from here."""

    workspace_path = "campaign__workspace"
    list_display = (
        *("buyer", "campaign", "tier", "active", "weight", "priority", "bid", "cap_day", "day_leads"),
        "last_assigned_at",
    )
    list_filter = ("active", "campaign__workspace")
    list_select_related = ("buyer__wallet", "buyer__workspace", "campaign", "tier")
    search_fields = ("buyer__name", "campaign__name")
    empty_list_text = "Put a buyer into a tier of a campaign: from then on it gets leads."
    ordering = ("campaign__name", "buyer__name")
    autocomplete_fields = ("campaign", "tier", "buyer")
    readonly_fields = ("why_nothing_today", "last_assigned_at", "virtual_finish", *COUNTERS)
    tellers = {"lead_filter": tell_condition}
    bid = money_column("bid_cents", label="bid")
    change_form_template = "admin/leadswitch/change_form.html"

    @admin.display(description="today")
    def why_nothing_today(self, enrollment: Enrollment) -> str | SafeString:
        """Of the enrolment as it was saved."""
        if enrollment._state.adding:
            return "Save it first: then this says whether it can get leads today."
        reasons = why_nothing_today(enrollment, at=timezone.now())
        if not reasons:
            return "Nothing stands in its way today; each lead decides."
        lines = format_html_join("", "<li>{}</li>", ((each,) for each in reasons))
        return format_html('<p>It would get nothing today:</p><ul class="desk-refused">{}</ul>', lines)

"""Buyers and their places in campaigns."""

from functools import partial
from typing import Any, Final

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from distribution.admin.buyer_switch import BuyerSwitchAdmin
from distribution.admin.delivery_links import DeliveryLinksAdmin
from distribution.admin.dollars import DollarsAdmin
from distribution.admin.money_history import wallet_lines
from distribution.admin.narrowing import NarrowedSelect, find_buyers, narrow, read_campaign_id
from distribution.admin.portaluser import list_people
from distribution.admin.send_test_lead import TestLeadPage
from distribution.configuration.coverage import AREA_PATH
from distribution.configuration.describe import (
    describe_answers,
    describe_service_area,
    describe_standing_bids,
)
from distribution.configuration.maps import draw_area, draw_coverage
from distribution.configuration.rewriting import rewrite_answers, rewrite_area, rewrite_price_rules
from distribution.engine import DefinitionError
from distribution.explain.enrollment import Usage, describe_obstacles, read_usage
from distribution.models import Buyer, Enrollment
from routing.admin.configuration import ConfigurationAdmin
from routing.admin.filters import PausedFilter
from routing.admin.typed import describe_condition
from routing.conditions.rewriting import rewrite_condition, rewrite_timezone
from routing.values.opening_hours import describe_hours
from tracing.admin.audited import REASON
from tracing.admin.columns import money_column
from tracing.admin.history import HistoryLine, merge
from tracing.wording import money

NARROWED: Final = ("tier", "buyer")
WINDOWS: Final = {"hour": "this hour", "day": "today", "week": "this week", "month": "this month"}
MARGIN_LABEL: Final = "Margin (hundredths of a percent: 250 is 2.5%)"


@admin.register(Buyer)
class BuyerAdmin(DeliveryLinksAdmin, TestLeadPage, BuyerSwitchAdmin, ConfigurationAdmin):
    never_deleted = (
        "Buyers cannot be deleted: their wallets explain past charges. Pause the buyer on its page instead."
    )
    workspace_path = "workspace"
    owner_fields = ("workspace",)
    list_display = ("name", "workspace", "balance", "timezone", "paused_at", "created_at")
    list_filter = (PausedFilter, "workspace")
    list_select_related = ("workspace", "wallet")
    search_fields = ("name",)
    empty_list_text = "Add the companies that buy leads, set their service areas, and top up their wallets."
    ordering = ("workspace__name", "name")
    autocomplete_fields = ("workspace",)
    readonly_fields = (
        *("public_id", "balance", "created_at", "coverage", "people"),
        *("paused_at", "paused_until", "is_paused_by_buyer"),
    )
    fieldsets = (
        (None, {"fields": ("workspace", "name", "balance")}),
        ("Pause", {"fields": ("paused_at", "paused_until", "is_paused_by_buyer")}),
        ("Contact", {"fields": ("contact_name", "contact_email", "contact_phone")}),
        ("Service area", {"fields": ("service_area", "coverage")}),
        ("Hours and answers", {"fields": ("timezone", "hours", "answers")}),
        ("Portal", {"fields": ("people",)}),
        (None, {"fields": ("public_id", "created_at", REASON)}),
    )
    describers = {"service_area": describe_service_area, "answers": describe_answers, "hours": describe_hours}
    previews = {"service_area": draw_area}
    rewriters = {"service_area": rewrite_area, "timezone": rewrite_timezone}

    def history_of(self, row: Buyer, *, request: HttpRequest) -> list[HistoryLine]:
        """Includes the history of its wallet."""
        return merge(super().history_of(row, request=request), wallet_lines(row.wallet, request=request))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002
        form = super().get_form(request, obj, change, **kwargs)
        if obj is not None and "answers" in form.base_fields:
            enrolled = Enrollment.objects.filter(buyer=obj).values_list("campaign__questions", flat=True)
            questions = [question for each in enrolled if isinstance(each, list) for question in each]
            form.base_fields["answers"].rewriter = partial(rewrite_answers, questions=questions)
        return form

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        rows, has_duplicates = super().get_search_results(request, queryset, search_term)
        return find_buyers(rows, request=request), has_duplicates

    @admin.display(description="balance", ordering="wallet__balance_cents")
    def balance(self, buyer: Buyer) -> SafeString:
        """Links to the wallet, which the database creates with the buyer."""
        page = reverse("admin:distribution_wallet_change", args=[buyer.wallet.pk])
        return format_html('<a href="{}">{}</a>', page, money(buyer.wallet.balance_cents))

    @admin.display(description="access")
    def people(self, buyer: Buyer) -> SafeString:
        return list_people(buyer)

    @admin.display(description="coverage")
    def coverage(self, buyer: Buyer) -> str | SafeString:
        """Of the saved area, not the typed one."""
        try:
            drawn = draw_coverage(buyer.service_area)
        except DefinitionError as error:
            problem = str(error).removeprefix(AREA_PATH)
            return f"The service area is not valid, so this buyer gets no leads: {problem}"
        return drawn or (
            "Covers no ZIP codes, so this buyer gets no leads. Add states, counties, ZIP codes or a radius above "
            "and save."
        )


@admin.register(Enrollment)
class EnrollmentAdmin(DollarsAdmin):
    """Shows the counters. Only the distributor writes them."""

    workspace_path = "campaign__workspace"
    owner_fields = ("campaign", "buyer")
    list_display = ("buyer", "campaign", "tier", "active", "weight", "priority", "bid", "taken_today")
    list_filter = ("active", "campaign__workspace")
    list_select_related = (
        "buyer__wallet",
        "buyer__workspace",
        "campaign__workspace",
        "tier__campaign__workspace",
    )
    search_fields = ("buyer__name", "campaign__name")
    empty_list_text = "Enroll a buyer in a tier of a campaign so that it gets leads."
    ordering = ("campaign__name", "buyer__name")
    autocomplete_fields = ("campaign", "tier", "buyer")
    readonly_fields = ("describe_obstacles", "used", "last_assigned_at", "paused_at", "paused_until")
    describers = {"lead_filter": describe_condition, "standing_bids": describe_standing_bids}
    rewriters = {"lead_filter": rewrite_condition, "standing_bids": rewrite_price_rules}
    fieldsets = (
        ("Now", {"fields": ("describe_obstacles", "used", "last_assigned_at")}),
        ("Place", {"fields": ("campaign", "tier", "buyer", "active", "paused_at", "paused_until")}),
        ("Rank and price", {"fields": ("priority", "weight", "bid_cents")}),
        ("Auctions", {"fields": ("standing_bids", "margin_bps")}),
        ("Filter", {"fields": ("lead_filter",)}),
        ("Lead caps", {"fields": (("cap_hour", "cap_day"), ("cap_week", "cap_month"))}),
        (
            "Budgets",
            {
                "fields": (
                    ("budget_hour_cents", "budget_day_cents"),
                    ("budget_week_cents", "budget_month_cents"),
                )
            },
        ),
        (None, {"fields": (REASON,)}),
    )
    bid = money_column("bid_cents", label="bid")

    change_form_template = "admin/leadswitch/change_form.html"

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in NARROWED:
            kwargs["widget"] = NarrowedSelect(db_field, self.admin_site)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002
        form = super().get_form(request, obj, change, **kwargs)
        campaign_id = read_campaign_id(request) if obj is None else obj.campaign_id
        narrow(form, names=NARROWED, campaign_id=campaign_id)
        if "margin_bps" in form.base_fields:
            form.base_fields["margin_bps"].label = MARGIN_LABEL
        return form

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        enrollment_id, name = obj.pk, str(obj)
        super().delete_model(request, obj)
        if Enrollment.everything.filter(pk=enrollment_id).exists():
            self.message_user(
                request, f"{name} has sales, so it was archived instead of deleted. It buys no more leads."
            )

    @admin.display(description="today")
    def describe_obstacles(self, enrollment: Enrollment) -> str | SafeString:
        """Of the saved enrollment, not the typed one."""
        reasons = describe_obstacles(enrollment, at=timezone.now())
        if not reasons:
            return "Nothing blocks this enrollment right now. Each lead is still checked."
        lines = format_html_join("", "<li>{}</li>", ((each,) for each in reasons))
        return format_html('<p>It would get no leads right now:</p><ul class="admin-refused">{}</ul>', lines)

    @admin.display(description="used")
    def used(self, enrollment: Enrollment) -> str | SafeString:
        rows = [
            (WINDOWS[each.kind].capitalize(), f"{_of(each)} leads", _spent(each))
            for each in read_usage(enrollment, at=timezone.now())
        ]
        cells = format_html_join("", '<tr><th scope="row">{}</th><td>{}</td><td>{}</td></tr>', rows)
        return format_html('<table class="admin-used"><tbody>{}</tbody></table>', cells)

    @admin.display(description="today")
    def taken_today(self, enrollment: Enrollment) -> str:
        usage = {each.kind: each for each in read_usage(enrollment, at=timezone.now())}
        return _of(usage["day"])


def _of(used: Usage) -> str:
    """ "3 of 10"."""
    return f"{used.leads:,}" if used.cap is None else f"{used.leads:,} of {used.cap:,}"


def _spent(used: Usage) -> str:
    spent = money(used.spent_cents)
    return f"{spent} spent" if used.budget_cents is None else f"{spent} of {money(used.budget_cents)} spent"

"""Campaigns, their tiers, and the snapshots that attempts used."""

from typing import Any, Final

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from distribution.admin.campaign_calls import list_policy_links, warn_of_calls
from distribution.admin.campaign_places import list_add_links, list_places
from distribution.admin.dollars import DollarsAdmin
from distribution.admin.narrowing import find_tiers, read_campaign_id
from distribution.admin.send_test_lead import TestLeadPage
from distribution.configuration.describe import describe_price_rules, describe_questions
from distribution.configuration.rewriting import rewrite_price_rules
from distribution.models import Campaign, CampaignMode, CampaignSnapshot, Tier
from distribution.models.tier import find_free_position
from routing.admin.typed import describe_condition
from routing.conditions.rewriting import rewrite_condition, rewrite_timezone, rewrite_vertical
from routing.values.opening_hours import describe_hours
from tracing.admin.audited import REASON
from tracing.admin.columns import money_column
from tracing.admin.readonly import ReadOnlyAdmin, pretty_json
from tracing.parsing import parse_id

# Where the form says more than the column.
HELP: Final = {
    "mode": "How a lead is sold. In the first four modes: which buyer in a tier is offered a lead first. Weight,"
    " priority and bid are set on each enrollment.",
    "offer_fields": "Ping post and auction: what buyers see of a lead before they claim it, and what their systems may"
    " be sent before they bid: zip, zip3 (its first three digits), city, county, state, country, vertical and"
    " attributes, e.g. zip3, state, attributes.roof_age. Contact data is never shown.",
    "offer_fallback": "Ping post and auction: what happens to a lead that nobody claims, or for which no bid may win.",
    "fallback_mode": "Ping post and auction: which buyer in a tier is first when such a lead is pushed.",
}
LABELS: Final = {
    "offer_seconds": "Offer window (seconds)",
    "post_deadline_seconds": "Post deadline (seconds)",
    "margin_bps": "Margin (hundredths of a percent: 250 is 2.5%)",
    "bid_deadline_ms": "Bid deadline (milliseconds)",
    "reserve_cents": "Reserve: the lowest bid that wins ($)",
}
HEAD_START_HELP: Final = (
    "Ping post: seconds after an offer opens until buyers in this tier see it. Earlier tiers have that head start. 0:"
    " at once. Not used in an auction, where buyers of all tiers bid together."
)


@admin.register(Campaign)
class CampaignAdmin(TestLeadPage, DollarsAdmin):
    workspace_path = "workspace"
    owner_fields = ("workspace",)
    list_display = (
        *(
            "name",
            "workspace",
            "vertical",
            "source",
            "short_mode",
            "price",
            "max_buyers",
            "priority",
            "active",
        ),
        "config_version",
    )
    list_filter = ("active", "mode", "workspace")
    list_select_related = ("workspace", "source__workspace")
    search_fields = ("name", "vertical")
    empty_list_text = (
        "Add a campaign for each kind of lead you sell, then add tiers and enroll buyers in them."
    )
    instead_of_deleting = (
        "Uncheck Active on its page instead. It takes no more leads, and its history is kept."
    )
    ordering = ("workspace__name", "name")
    autocomplete_fields = ("workspace", "source")
    readonly_fields = ("places", "public_id", "config_version", "created_at")
    fieldsets = (
        (None, {"fields": ("workspace", "name", "active", "places")}),
        ("Which leads it takes", {"fields": ("vertical", "source", "priority")}),
        ("Price", {"fields": ("price_cents", "price_rules")}),
        ("Selling", {"fields": ("mode", "max_buyers", "returns_restore_caps", "timezone", "schedule")}),
        ("Ping post and auction", {"fields": ("offer_fields", "offer_fallback", "fallback_mode")}),
        ("Ping post", {"fields": ("offer_seconds",)}),
        (
            "Auction",
            {
                "fields": (
                    *("bid_deadline_ms", "reserve_cents", "margin_bps"),
                    *("penalizes_returns", "shows_price_to_win"),
                )
            },
        ),
        (
            "Verification",
            {"fields": ("verification", "consent_kind", "unverified_end", "unverified_percent")},
        ),
        ("Buyers' systems", {"fields": ("sells_on", "post_deadline_seconds")}),
        ("Questions for buyers", {"fields": ("questions",)}),
        (None, {"fields": ("public_id", "config_version", "created_at", REASON)}),
    )
    describers = {
        "price_rules": describe_price_rules,
        "schedule": describe_hours,
        "questions": describe_questions,
    }
    rewriters = {
        "vertical": rewrite_vertical,
        "timezone": rewrite_timezone,
        "price_rules": rewrite_price_rules,
    }
    price = money_column("price_cents", label="price")

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name in HELP:
            field.help_text = HELP[db_field.name]
        if db_field.name in LABELS:
            field.label = LABELS[db_field.name]
        return field

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        campaign = self.get_object(request, object_id)
        links = []
        if campaign is not None:
            links = [
                *list_add_links(campaign, request=request),
                *list_policy_links(campaign, request=request),
            ]
            if request.method != "POST" and (warning := warn_of_calls(campaign)):
                self.message_user(request, warning, messages.WARNING)
        return super().change_view(
            request, object_id, form_url, {**(extra_context or {}), "page_links": links}
        )

    @admin.display(description="tiers and buyers")
    def places(self, campaign: Campaign) -> str | SafeString:
        return list_places(campaign)

    @admin.display(description="mode", ordering="mode")
    def short_mode(self, campaign: Campaign) -> str:
        return CampaignMode(campaign.mode).label.partition(":")[0]


@admin.register(Tier)
class TierAdmin(DollarsAdmin):
    workspace_path = "campaign__workspace"
    owner_fields = ("campaign",)
    list_display = ("campaign", "position", "name", "price")
    list_filter = ("campaign__workspace",)
    list_select_related = ("campaign__workspace",)
    search_fields = ("name", "campaign__name")
    empty_list_text = (
        "Every campaign needs a tier, because buyers are enrolled in tiers. Add the campaign first."
    )
    instead_of_deleting = "Move them to another tier or delete them."
    ordering = ("campaign__name", "position")
    autocomplete_fields = ("campaign",)
    describers = {"content_filter": describe_condition}
    rewriters = {"content_filter": rewrite_condition}
    price = money_column("price_cents", label="price")

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "head_start_seconds":
            field.label, field.help_text = "Head start (seconds)", HEAD_START_HELP
        return field

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Opened from the page of a campaign: its next free position."""
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        campaign_id = read_campaign_id(request)
        return initial if campaign_id is None else {**initial, "position": find_free_position(campaign_id)}

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        rows, has_duplicates = super().get_search_results(request, queryset, search_term)
        return find_tiers(rows, request=request), has_duplicates


@admin.register(CampaignSnapshot)
class CampaignSnapshotAdmin(ReadOnlyAdmin):
    workspace_path = "campaign__workspace"
    list_display = ("campaign", "config_version", "actor", "created_at")
    list_filter = ("campaign__workspace",)
    list_select_related = ("campaign__workspace",)
    search_help_text = "A campaign's numeric id."
    empty_list_text = (
        "The first attempt to distribute a lead saves the campaign's configuration at that time."
    )
    exact_searches = {"campaign_id": parse_id}
    fields = ("campaign", "config_version", "actor", "created_at", "pretty_config")
    readonly_fields = ("pretty_config",)
    pretty_config = pretty_json("config")

"""Campaigns, their tiers, and the snapshots that attempts used."""

from django.contrib import admin

from distribution.admin.dollars import DollarsAdmin
from distribution.admin.send_test_lead import TestLeadPage
from distribution.configuration.describe import describe_price_rules, describe_questions
from distribution.configuration.rewriting import rewrite_price_rules
from distribution.models import Campaign, CampaignMode, CampaignSnapshot, Tier
from routing.admin.typed import describe_condition
from routing.conditions.rewriting import rewrite_condition, rewrite_timezone, rewrite_vertical
from routing.values.opening_hours import describe_hours
from tracing.admin.audited import REASON
from tracing.admin.columns import money_column
from tracing.admin.readonly import ReadOnlyAdmin, pretty_json
from tracing.parsing import parse_id


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
    readonly_fields = ("public_id", "config_version", "created_at")
    fieldsets = (
        (None, {"fields": ("workspace", "name", "active")}),
        ("Which leads it takes", {"fields": ("vertical", "source", "priority")}),
        ("Price", {"fields": ("price_cents", "price_rules")}),
        ("Selling", {"fields": ("mode", "max_buyers", "returns_restore_caps", "timezone", "schedule")}),
        (
            "Ping post",
            {"fields": ("offer_seconds", "offer_fields", "offer_fallback", "fallback_mode")},
        ),
        (
            "Auction",
            {
                "fields": (
                    *("bid_deadline_ms", "reserve_cents", "margin_bps"),
                    *("penalizes_returns", "shows_price_to_win"),
                )
            },
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

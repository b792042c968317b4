"""Campaigns, their tiers, and the snapshots that attempts used."""

from django.contrib import admin

from distribution.admin.columns import money_column
from distribution.models import Campaign, CampaignSnapshot, Tier
from routing.admin.configuration import ConfigurationAdmin
from tracing.admin.readonly import ReadOnlyAdmin, pretty_json
from tracing.parsing import parse_id


@admin.register(Campaign)
class CampaignAdmin(ConfigurationAdmin):
    workspace_path = "workspace"
    list_display = (
        *("name", "workspace", "vertical", "source", "mode", "price", "max_buyers", "priority", "active"),
        "config_version",
    )
    list_filter = ("active", "mode", "workspace")
    list_select_related = ("workspace", "source")
    search_fields = ("name", "vertical")
    ordering = ("workspace__name", "name")
    autocomplete_fields = ("workspace", "source")
    readonly_fields = ("public_id", "config_version", "created_at")
    price = money_column("price_cents", label="price")


@admin.register(Tier)
class TierAdmin(ConfigurationAdmin):
    workspace_path = "campaign__workspace"
    list_display = ("campaign", "position", "name", "price")
    list_filter = ("campaign__workspace",)
    list_select_related = ("campaign",)
    search_fields = ("name", "campaign__name")
    ordering = ("campaign__name", "position")
    autocomplete_fields = ("campaign",)
    price = money_column("price_cents", label="price")


@admin.register(CampaignSnapshot)
class CampaignSnapshotAdmin(ReadOnlyAdmin):
    workspace_path = "campaign__workspace"
    list_display = ("campaign", "config_version", "actor", "created_at")
    list_filter = ("campaign__workspace",)
    list_select_related = ("campaign",)
    search_help_text = "A campaign's numeric id."
    exact_searches = {"campaign_id": parse_id}
    fields = ("campaign", "config_version", "actor", "created_at", "pretty_config")
    readonly_fields = ("pretty_config",)
    pretty_config = pretty_json("config")

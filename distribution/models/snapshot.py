"""The definitions of campaigns that attempts used."""

from typing import Any, ClassVar

from django.db import DEFAULT_DB_ALIAS, models
from django.db.models.functions import Now

from distribution.models.campaign import Campaign
from tracing.models.append_only import append_only_triggers


class CampaignSnapshot(models.Model):
    """A campaign's definition as the engine compiled it, for each version that an attempt used."""

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="snapshots")
    config_version = models.PositiveBigIntegerField()
    config = models.JSONField()
    actor = models.CharField("who", max_length=100, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "distribution_campaignsnapshot"
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "config_version"], name="snapshot_campaign_version_unique"
            )
        ]
        triggers: ClassVar = append_only_triggers("distribution_campaignsnapshot")

    def __str__(self) -> str:
        return f"{self.campaign}, version {self.config_version}"


def read_snapshot(
    campaign_id: int | None, *, config_version: int | None, using: str = DEFAULT_DB_ALIAS
) -> dict[str, Any] | None:
    """Return the definition that attempts of this version used, or None if no snapshot is stored."""
    if campaign_id is None or config_version is None:
        return None
    kept = CampaignSnapshot.objects.using(using).filter(
        campaign_id=campaign_id, config_version=config_version
    )
    definition: dict[str, Any] | None = kept.values_list("config", flat=True).first()
    return definition

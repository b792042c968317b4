"""Tenants, the places their leads come from, and the keys those places use."""

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Now
from rest_framework_api_key.models import AbstractAPIKey, BaseAPIKeyManager
from uuid6 import uuid7


class WorkspaceKind(models.TextChoices):
    AGENCY = "agency", "agency: owns campaigns and buyers"
    PARTNER = "partner", "partner: sends or receives leads"


class Workspace(models.Model):
    """A tenant. Everything else belongs to exactly one."""

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    kind = models.CharField(max_length=10, choices=WorkspaceKind.choices, default=WorkspaceKind.AGENCY)
    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=100)
    timezone = models.CharField(max_length=50, default="America/New_York")
    lead_ttl_days = models.PositiveIntegerField(
        default=90,
        validators=[MinValueValidator(1), MaxValueValidator(3650)],
        help_text="An unfinished lead expires this many days after it came in.",
    )
    paused_at = models.DateTimeField(
        null=True, blank=True, help_text="Set: leads are taken in but none is distributed."
    )
    max_attempts = models.PositiveSmallIntegerField(
        default=3,
        db_default=3,
        validators=[MinValueValidator(1), MaxValueValidator(20)],
        help_text="How often in a row a lead is tried that the product fails on, before it is parked as failed.",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "routing_workspace"
        constraints = [
            models.CheckConstraint(condition=models.Q(lead_ttl_days__gte=1), name="workspace_ttl_positive")
        ]

    def __str__(self) -> str:
        return self.name


class Source(models.Model):
    """Where a lead came in: a form, a partner feed, an import."""

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="sources")
    name = models.SlugField(help_text="Conditions may name it as `source`.")
    default_vertical = models.CharField(
        max_length=50, blank=True, help_text="Used for leads of this source that name no vertical."
    )
    active = models.BooleanField(default=True, help_text="Off: its keys are refused.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "routing_source"
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="source_workspace_name_unique")
        ]

    def __str__(self) -> str:
        return self.name


class SourceKeyManager(BaseAPIKeyManager):
    """Finds keys together with what a request needs next, in one statement."""

    def get_usable_keys(self) -> "models.QuerySet[SourceKey]":
        return super().get_usable_keys().select_related("source", "source__workspace")


class SourceKey(AbstractAPIKey):
    """An intake key: a prefix for look-up and a hash; the secret itself is shown once and not stored."""

    objects: ClassVar[SourceKeyManager] = SourceKeyManager()  # type: ignore[assignment]
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="keys")

    class Meta(AbstractAPIKey.Meta):
        db_table = "routing_sourcekey"
        verbose_name = "source key"
        verbose_name_plural = "source keys"

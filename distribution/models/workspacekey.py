"""The keys with which an agency's own programs decide about returns and deliveries."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from routing.models import Workspace
from routing.models.apikey import ScopedKey, id_is_no_hash, revocation_trigger
from routing.models.ownership import owner_trigger


class WorkspaceScope(models.TextChoices):
    """What a key may do, always in its own workspace. Codes are permanent, because rows contain them."""

    RETURNS_READ = "returns:read", "returns:read: the returns of all buyers, with their evidence"
    RETURNS_DECIDE = "returns:decide", "returns:decide: approve and decline returns, take leads back"
    DELIVERIES_READ = (
        "deliveries:read",
        "deliveries:read: deliveries with every request, with contact details",
    )
    DELIVERIES_DECIDE = "deliveries:decide", "deliveries:decide: decide about deliveries, send them again"


def default_workspace_scopes() -> list[str]:
    """A new key only reads: one that decides moves money."""
    return [WorkspaceScope.RETURNS_READ.value, WorkspaceScope.DELIVERIES_READ.value]


class WorkspaceKey(ScopedKey):
    """A key of a workspace."""

    owner_field = "workspace"
    workspace = models.ForeignKey(
        Workspace,
        on_delete=models.CASCADE,
        related_name="keys",
        help_text="The key works for all buyers of this workspace.",
    )
    scopes = ArrayField(
        models.CharField(max_length=20, choices=WorkspaceScope.choices),
        default=default_workspace_scopes,
        help_text="What this key may do. With a scope that decides, a program refunds money without a person.",
    )

    class Meta(ScopedKey.Meta):
        db_table = "distribution_workspacekey"
        verbose_name = "workspace key"
        verbose_name_plural = "workspace keys"
        constraints = [
            models.CheckConstraint(condition=~Q(scopes=[]), name="workspacekey_has_a_scope"),
            id_is_no_hash("workspacekey"),
        ]
        triggers: ClassVar = [
            owner_trigger(
                "workspace_id", name="key", instead="Revoke it and issue a key for the other workspace."
            ),
            revocation_trigger(),
        ]

    @property
    def owner_workspace(self) -> Workspace:
        return self.workspace

    @property
    def owner_workspace_id(self) -> int:
        return self.workspace_id

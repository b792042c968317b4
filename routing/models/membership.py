"""Which workspaces a person of the desk works for."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from routing.models.workspace import Workspace


class Membership(models.Model):
    """A user sees the workspaces given here and no other, whatever their group allows them to do there."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="memberships")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "routing_membership"
        constraints = [
            models.UniqueConstraint(fields=["user", "workspace"], name="membership_user_workspace_unique")
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.workspace}"

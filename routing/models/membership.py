"""Which workspaces a person of the admin works for."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from routing.models.workspace import Workspace


class Membership(models.Model):
    """A user sees only the workspaces given here. The user's group says what the user may do there."""

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

"""The dialers that run, and what wakes them besides due verifications and ended calls."""

from typing import ClassVar

import pgtrigger
from django.db import models

from distribution.models.verifying import notify_calls
from routing.models import DispatchControl, Workspace


class Dialer(models.Model):
    """A row for each process. A stopped one removes its row; that of a killed one becomes old."""

    name = models.CharField(max_length=100, primary_key=True)
    seen_at = models.DateTimeField()
    # Whether LEADSWITCH_BASE_URL is set for it. Other processes may have another environment.
    has_address = models.BooleanField(default=True, db_default=True)

    class Meta:
        db_table = "distribution_dialer"

    def __str__(self) -> str:
        return self.name


RESUMED = "(OLD.paused_at IS NOT NULL AND NEW.paused_at IS NULL)"


class WorkspaceWithCalls(Workspace):
    """The workspace, for the trigger that wakes dialers when it resumes."""

    class Meta:
        proxy = True
        default_permissions = ()
        triggers: ClassVar = [
            notify_calls("notify_calls", operation=pgtrigger.UpdateOf("paused_at"), condition=RESUMED)
        ]


class DispatchControlWithCalls(DispatchControl):
    """The product's pause, for the trigger that wakes dialers when it ends."""

    class Meta:
        proxy = True
        default_permissions = ()
        triggers: ClassVar = [
            notify_calls("notify_calls", operation=pgtrigger.UpdateOf("paused_at"), condition=RESUMED)
        ]

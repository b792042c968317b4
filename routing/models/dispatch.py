"""What all dispatchers and workers of the installation share: its pause, and which dispatcher leads."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from routing.models.switching import switch_trigger


class DispatchPath(models.TextChoices):
    # Redis responds: from the index to the ready queues
    REDIS = "redis", "through Redis"
    # Redis does not respond: the dispatcher runs leads itself
    POSTGRES = "postgres", "without Redis"


class Canary(models.Model):
    """The canary of each ready queue (`routing/dispatch/canary.py`)."""

    shard = models.PositiveSmallIntegerField(primary_key=True)
    # When the canary that has not come back was sent.
    out_since = models.DateTimeField(null=True)
    # When a canary last came back.
    back_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "routing_canary"

    def __str__(self) -> str:
        return f"canary of ready queue {self.shard}"


class Begun(models.Model):
    """A lead whose attempt has begun in a process that holds no lease for it (`routing/leads/crash_marks.py`).

    No foreign key: the row is written while another connection of the process has the lead locked.
    """

    lead_id = models.PositiveBigIntegerField(primary_key=True)
    # Identify the try: a lead that was tried since, or is due at another time, is a different try.
    attempts = models.PositiveIntegerField()
    due_at = models.DateTimeField()
    owner = models.CharField(max_length=100)
    begun_at = models.DateTimeField()
    # Another process began the same try before.
    is_lost = models.BooleanField(default=False, db_default=False)

    class Meta:
        db_table = "routing_begun"

    def __str__(self) -> str:
        return f"begun attempt of lead {self.lead_id}"


class ReconcilerRun(models.Model):
    """The last run of each reconciler with `fix` (`routing/last_runs.py`)."""

    name = models.CharField(primary_key=True, max_length=50)
    # When it was first scheduled, as far as is known.
    known_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    # When a run last ended without an error.
    done_at = models.DateTimeField(null=True)
    checked = models.PositiveBigIntegerField(default=0, db_default=0)
    repaired = models.PositiveBigIntegerField(default=0, db_default=0)
    skipped = models.PositiveBigIntegerField(default=0, db_default=0)
    failure = models.CharField(max_length=100, blank=True, default="", db_default="")

    class Meta:
        db_table = "routing_reconcilerrun"
        default_permissions = ()

    def __str__(self) -> str:
        return f"last run of {self.name}"


class DispatchControl(models.Model):
    """One row. `paused_at` decides; its key in Redis mirrors it. The other columns are the last heartbeat of the
    leading dispatcher.

    `epoch` never falls, not even when Redis is flushed.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    paused_at = models.DateTimeField(
        null=True, blank=True, help_text="While set, no lead is distributed in any workspace."
    )
    leader = models.CharField(max_length=120, blank=True, db_default="", editable=False)
    epoch = models.PositiveBigIntegerField(default=0, db_default=0, editable=False)
    path = models.CharField(
        max_length=8, choices=DispatchPath.choices, blank=True, db_default="", editable=False
    )
    seen_at = models.DateTimeField(null=True, editable=False)
    # The database reads both when a change wakes leads. `reconcile wakeups` copies them from the settings.
    wake_hours = models.PositiveSmallIntegerField(default=24, db_default=24, editable=False)
    wake_leads_per_second = models.PositiveIntegerField(default=1000, db_default=1000, editable=False)
    resumed_at = models.DateTimeField(null=True, editable=False, help_text="When its last pause ended.")

    # Grows with each change of paused_at; Redis refuses to mirror an older version.
    switch_version = models.PositiveBigIntegerField(default=0, db_default=0, editable=False)

    class Meta:
        db_table = "routing_dispatchcontrol"
        triggers: ClassVar = [switch_trigger("paused_at")]
        verbose_name = "dispatch"
        verbose_name_plural = "dispatch"
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="dispatchcontrol_one_row"),
            models.CheckConstraint(
                condition=Q(wake_leads_per_second__gte=1), name="dispatchcontrol_wakes_leads"
            ),
        ]

    def __str__(self) -> str:
        return "dispatch control"

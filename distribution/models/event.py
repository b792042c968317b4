"""What happened, for those who subscribed to it."""

from typing import ClassVar, Final

from django.db import models
from django.db.models import Q

from distribution.models.emitting import attempt_event, lead_event
from distribution.models.subscribing import EventKind
from distribution.models.uuid7 import DatabaseUUID7
from routing.models import Lead
from tracing.models import Attempt
from tracing.models.append_only import append_only_triggers

# An event that happens once in a period is kept for longer than any period: a calendar month in any time zone.
SHORTEST_KEPT_DAYS: Final = 35


class Event(models.Model):
    """Written by triggers (distribution.models.emitting) together with its deliveries, and only if somebody subscribed.

    `buyer_id`, `source_id` and `workspace_id` say whose subscriptions get it. It refers to rows without foreign keys,
    which would lock rows of the sale. `facts`: what may change later, e.g. a balance. No personal data.

    It never changes. It is removed with the last of its deliveries (distribution.deliveries.old_events).
    """

    id = models.UUIDField(primary_key=True, db_default=DatabaseUUID7(), editable=False)
    kind = models.CharField(max_length=30, choices=EventKind.choices)
    happened_at = models.DateTimeField()
    buyer_id = models.BigIntegerField(null=True)
    source_id = models.BigIntegerField(null=True)
    workspace_id = models.BigIntegerField(null=True)
    lead_id = models.BigIntegerField(null=True)
    assignment_id = models.BigIntegerField(null=True)
    campaign_id = models.BigIntegerField(null=True)
    facts = models.JSONField(default=dict)
    once = models.CharField(max_length=100, null=True, unique=True)  # noqa: DJ001 - NULL: it may happen again

    class Meta:
        db_table = "distribution_event"
        default_permissions = ()  # its deliveries are shown
        constraints = [
            models.CheckConstraint(
                condition=Q(buyer_id__isnull=False)
                | Q(source_id__isnull=False)
                | Q(workspace_id__isnull=False),
                name="event_is_for_someone",
            )
        ]
        triggers: ClassVar = append_only_triggers(
            "distribution_event",
            removable_if=f"OLD.happened_at < clock_timestamp() - interval '{SHORTEST_KEPT_DAYS} days'",
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class LeadWithEvents(Lead):
    """Adds the trigger of events to leads: routing knows no subscribers."""

    class Meta:
        proxy = True
        default_permissions = ()
        triggers: ClassVar = [lead_event()]


class AttemptWithEvents(Attempt):
    """Adds the trigger of events to attempts: tracing knows no subscribers."""

    class Meta:
        proxy = True
        default_permissions = ()
        triggers: ClassVar = [attempt_event()]

"""The append-only trace: what happened in an attempt, in order."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from tracing.models.append_only import append_only_triggers


class LeadDistributionEvent(models.Model):
    """One step of one attempt. `seq` runs 1..n without holes; exactly one event of an attempt is terminal."""

    lead_id = models.BigIntegerField()
    attempt_id = models.UUIDField()
    seq = models.PositiveIntegerField()
    event = models.CharField(max_length=30)
    buyer_id = models.BigIntegerField(null=True)
    cost_cents = models.BigIntegerField(null=True)
    outcome = models.CharField(max_length=20, blank=True)
    skip_reason = models.CharField(max_length=50, blank=True)
    duration_ms = models.FloatField(null=True)
    data = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "tracing_leaddistributionevent"
        constraints = [
            models.UniqueConstraint(fields=["attempt_id", "seq"], name="event_attempt_seq_unique"),
            models.CheckConstraint(condition=models.Q(seq__gte=1), name="event_seq_from_one"),
        ]
        indexes = [
            # What a buyer missed, read backwards. Ascending, because new ids come last: its pages fill up. Buyers
            # that were selected and the attempt's own steps are not in it.
            models.Index(
                fields=["buyer_id", "id"],
                condition=models.Q(event="buyer_skipped"),
                name="event_buyer_skipped",
            ),
        ]
        triggers: ClassVar = append_only_triggers("tracing_leaddistributionevent")

    def __str__(self) -> str:
        return f"{self.seq}. {self.event.replace('_', ' ')}"

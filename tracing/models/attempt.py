"""One run of the engine over one lead, with everything needed to run it again."""

from typing import ClassVar

from django.db import models
from uuid6 import uuid7

from tracing.models.append_only import append_only_triggers
from tracing.models.rollup import count_later_trigger
from tracing.vocabulary import RESULTS


class AttemptTrigger(models.TextChoices):
    INGEST = "ingest", "first attempt after intake"
    RETRY = "retry", "retry at its due time"
    MANUAL = "manual", "re-run by an operator"
    WOKEN = "woken", "a change that may let it sell"
    CLAIM = "claim", "claim of an offer"
    OFFER_CLOSED = "offer_closed", "end of an offer"
    DELIVERY = "delivery", "answer of a buyer's system"
    VERIFICATION = "verification", "end of its verification"


class AttemptResult(models.TextChoices):
    SUCCESS = "success", "sold to at least one buyer"
    UNSOLD = "unsold", "no buyer could take it; someone must act"
    DEFERRED = "deferred", "no buyer can take it now; due again at a known time"
    RETRY = "retry", "a lock was busy; due again shortly"
    FAILED = "failed", "LeadSwitch failed; someone must act"
    DUPLICATE = "duplicate", "an earlier lead for the same person was received"
    GATED = "gated", "waiting for verification"
    OFFERED = "offered", "offered to buyers"
    EXPIRED = "expired", "expired"
    POSTING = "posting", "waiting for a buyer's system"
    REJECTED = "rejected", "rejected by a buyer's system; others are asked"


class Attempt(models.Model):
    """`facts` contains what the engine read: with the campaign's snapshot it gives the same decision again.

    It points at leads, campaigns and workspaces by id without database foreign keys: a foreign key takes a
    KEY SHARE lock on the referenced row, and a lead or buyer under SKIP LOCKED would silently be left out.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    lead_id = models.BigIntegerField()
    number = models.PositiveIntegerField(help_text="1 for the first attempt of the lead.")
    trigger = models.CharField(max_length=20, choices=AttemptTrigger.choices)
    source_workspace_id = models.BigIntegerField()
    destination_workspace_id = models.BigIntegerField(null=True)
    campaign_id = models.BigIntegerField(null=True)
    config_version = models.BigIntegerField(null=True)
    result = models.CharField(max_length=10, choices=AttemptResult.choices)
    skip_reason = models.CharField(max_length=50, blank=True)
    transient = models.BooleanField(default=False)
    next_attempt_at = models.DateTimeField(null=True, help_text="When the lead is next due, if it is.")
    received_at = models.DateTimeField(
        null=True, help_text="When the lead was received, or its latest pause ended."
    )
    due_at = models.DateTimeField(null=True, help_text="Since when the lead could be decided.")
    is_test = models.BooleanField(
        "test", default=False, db_default=False, help_text="Of a test lead: no figure counts it."
    )
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    duration_ms = models.FloatField()
    worker = models.CharField(max_length=100, blank=True)
    rule_id = models.BigIntegerField(null=True, help_text="The routing rule that chose the destination.")
    route = models.JSONField(
        default=list,
        db_default=[],
        help_text="How it was routed: [from workspace, rule, to workspace] for each step.",
    )
    first_lead_id = models.BigIntegerField(
        null=True, help_text="For a duplicate: the same person's first lead."
    )
    facts = models.JSONField(default=dict)

    class Meta:
        db_table = "tracing_attempt"
        constraints = [
            models.UniqueConstraint(fields=["lead_id", "number"], name="attempt_lead_number_unique"),
            models.CheckConstraint(
                condition=models.Q(finished_at__gte=models.F("started_at")), name="attempt_ends_after_start"
            ),
            models.CheckConstraint(
                condition=~models.Q(result=AttemptResult.DUPLICATE) | models.Q(first_lead_id__isnull=False),
                name="attempt_duplicate_has_first",
            ),
        ]
        indexes = [
            models.Index(fields=["started_at"], name="attempt_started_at"),
            # Admin lists of one workspace, newest first: its attempts, and through them its events.
            models.Index(fields=["destination_workspace_id", "id"], name="attempt_workspace"),
            # What the exporter counts by workspace. Sales and retries never touch this index.
            models.Index(
                fields=["started_at"],
                include=["result", "destination_workspace_id", "source_workspace_id"],
                condition=models.Q(result__in=["duplicate", "expired", "failed"], is_test=False),
                name="attempt_watched_real",
            ),
        ]
        # An attempt is written once, when it has ended, and never corrected.
        triggers: ClassVar = [*append_only_triggers("tracing_attempt"), count_later_trigger()]

    def __str__(self) -> str:
        return f"Attempt {self.number} of lead {self.lead_id}: {RESULTS.get(self.result, self.result)}"

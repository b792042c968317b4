"""Requests of buyers to give leads back, and the evidence that they sent."""

from typing import ClassVar, Final

import pgtrigger
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from uuid6 import uuid7

from distribution.configuration.return_reasons import (
    REASON_CHOICES,
)
from distribution.models.assignment import Assignment
from distribution.models.buyer import Buyer
from distribution.models.money import LedgerEntry
from routing.models import Lead
from routing.models.ownership import owner_trigger

MAX_TEXT: Final = 2_000
MAX_FILE_BYTES: Final = 5 * 1024 * 1024
MAX_FILES: Final = 5


class ReturnState(models.TextChoices):
    # buyer -> requested
    REQUESTED = "requested", "waiting for review"
    # requested -> approved: refunded
    APPROVED = "approved", "approved"
    # requested -> declined: no money was moved
    DECLINED = "declined", "declined"
    # requested -> withdrawn, by the buyer
    WITHDRAWN = "withdrawn", "withdrawn"


class ReturnRequest(models.Model):
    """One request to give an assignment back. Its end is final: a trigger refuses every later change.

    A full return takes the lead back and refunds all that is left of the charge. A partial one refunds a part, and the
    buyer keeps the lead. `is_resold`: this return offered the lead to other buyers, which happens once for a lead.
    """

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    assignment = models.ForeignKey(Assignment, on_delete=models.PROTECT, related_name="returns")
    lead = models.ForeignKey(Lead, on_delete=models.PROTECT, related_name="+", db_index=False)
    buyer = models.ForeignKey(Buyer, on_delete=models.PROTECT, related_name="returns", db_index=False)
    state = models.CharField(max_length=9, choices=ReturnState.choices, default=ReturnState.REQUESTED)
    reason = models.CharField(max_length=20, choices=REASON_CHOICES)
    text = models.CharField("evidence", max_length=MAX_TEXT, blank=True)
    # NULL: all that is left of the charge.
    asked_cents = models.PositiveBigIntegerField(null=True)
    requested_at = models.DateTimeField(db_default=Now())
    requested_by = models.CharField(max_length=150)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=150, blank=True)
    decision_reason = models.CharField("why", max_length=200, blank=True)
    is_automatic = models.BooleanField("approved at once", default=False)
    is_full = models.BooleanField(null=True)
    refund_cents = models.PositiveBigIntegerField(null=True)
    refund = models.OneToOneField(
        LedgerEntry, on_delete=models.PROTECT, null=True, related_name="return_request"
    )
    is_resold = models.BooleanField("offered to other buyers", default=False)

    class Meta:
        db_table = "distribution_returnrequest"
        verbose_name = "return"
        constraints = [
            models.UniqueConstraint(
                fields=["assignment"], condition=Q(state="requested"), name="return_one_open_each"
            ),
            models.UniqueConstraint(
                fields=["assignment"],
                condition=Q(state="approved", is_full=True),
                name="return_one_full_each",
            ),
            models.UniqueConstraint(
                fields=["lead"], condition=Q(is_resold=True), name="return_one_resale_each"
            ),
            models.CheckConstraint(
                condition=Q(
                    state="requested",
                    decided_at__isnull=True,
                    refund_cents__isnull=True,
                    is_full__isnull=True,
                )
                | Q(
                    state="approved",
                    decided_at__isnull=False,
                    refund_cents__isnull=False,
                    is_full__isnull=False,
                )
                | Q(
                    state__in=["declined", "withdrawn"],
                    decided_at__isnull=False,
                    refund_cents__isnull=True,
                    is_full__isnull=True,
                ),
                name="return_state_fits",
            ),
            models.CheckConstraint(
                condition=Q(refund__isnull=True, refund_cents__isnull=True)
                | Q(refund__isnull=True, refund_cents=0, is_full=True)
                | Q(refund__isnull=False, refund_cents__gt=0),
                name="return_refund_fits",
            ),
            models.CheckConstraint(
                condition=Q(asked_cents__isnull=True) | Q(asked_cents__gt=0), name="return_asks_for_money"
            ),
            models.CheckConstraint(
                condition=Q(is_resold=False) | Q(state="approved", is_full=True), name="return_resold_is_full"
            ),
        ]
        indexes = [
            models.Index(fields=["buyer", "-id"], name="return_buyer_newest"),
            models.Index(fields=["buyer", "state", "-id"], name="return_buyer_state_newest"),
            models.Index(
                fields=["requested_at", "id"], condition=Q(state="requested"), name="return_open_oldest"
            ),
        ]
        triggers: ClassVar = [
            owner_trigger(
                *("assignment_id", "lead_id", "buyer_id"), name="return", instead="Ask for another return."
            ),
            pgtrigger.Trigger(
                name="fits_assignment",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    IF NOT EXISTS (
                        SELECT 1 FROM distribution_assignment
                        WHERE id = NEW.assignment_id AND lead_id = NEW.lead_id AND buyer_id = NEW.buyer_id
                    ) THEN
                        RAISE EXCEPTION 'A return needs the lead and the buyer of its assignment.'
                        USING ERRCODE = 'check_violation', CONSTRAINT = 'return_fits_assignment';
                    END IF;
                    RETURN NEW;
                """,
            ),
            pgtrigger.Trigger(
                name="end_is_final",
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete,
                condition=pgtrigger.Condition("(OLD.state <> 'requested')"),
                func="""
                    RAISE EXCEPTION 'Return % is % and stays so.', OLD.id, OLD.state
                    USING ERRCODE = 'check_violation', CONSTRAINT = 'return_end_is_final', TABLE = TG_TABLE_NAME;
                """,
            ),
        ]

    def __str__(self) -> str:
        return str(self.public_id)


class ReturnFile(models.Model):
    """A file that proves why a lead comes back, in the database: no server reaches it by a path."""

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    request = models.ForeignKey(ReturnRequest, on_delete=models.PROTECT, related_name="files")
    name = models.CharField(max_length=100)
    content_type = models.CharField(max_length=50)
    size_bytes = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    content = models.BinaryField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "distribution_returnfile"
        verbose_name = "evidence file"
        constraints = [
            models.UniqueConstraint(fields=["request", "sha256"], name="return_file_once"),
            models.CheckConstraint(
                condition=Q(size_bytes__gte=1, size_bytes__lte=MAX_FILE_BYTES),
                name="return_file_size_in_range",
            ),
        ]
        triggers: ClassVar = [
            owner_trigger("request_id", name="evidence file", instead="Add the file to the other return.")
        ]

    def __str__(self) -> str:
        return self.name

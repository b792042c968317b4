"""A ping: a source asks, before it sends a lead, what it would be paid for one. It has no contact data."""

from datetime import timedelta
from typing import ClassVar, Final

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from uuid6 import uuid7

from routing.models.ownership import owner_trigger
from routing.models.workspace import Source

# How long the price of a ping `p` is promised for a lead that was sent with it: as long after the lead as the ping was
# valid before it.
PROMISE_LASTS: Final = "(p.expires_at - p.created_at)"


class Ping(models.Model):
    """One question of a source and its answer: a promised price, or the reason why there is none.

    A lead that is sent with the ping's id refers to it: a ping is used when such a lead exists, at most one. `digests`
    has a keyed digest of each field that the ping named, and no value.
    """

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="pings", db_index=False)
    campaign_id = models.BigIntegerField(
        null=True, help_text="The campaign that would take it. No foreign key."
    )
    price_cents = models.BigIntegerField("promised price in cents", null=True)
    reason = models.CharField(max_length=50, blank=True, help_text="Why no price was promised.")
    digests = models.JSONField(default=dict)
    is_test = models.BooleanField("test ping", default=False)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(help_text="Until when a lead can be sent with it.")
    # Set by the clean-up, so that it looks at each old ping once.
    is_kept = models.BooleanField(default=False, db_default=False, editable=False)

    class Meta:
        db_table = "routing_ping"
        constraints = [
            models.CheckConstraint(
                # A comparison with NULL is neither true nor false, and passes.
                condition=Q(
                    price_cents__isnull=False, price_cents__gte=0, campaign_id__isnull=False, reason=""
                )
                | (Q(price_cents__isnull=True) & ~Q(reason="")),
                name="ping_price_or_reason",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=models.F("created_at")), name="ping_expires_later"
            ),
        ]
        indexes = [
            models.Index(fields=["source", "-created_at"], name="ping_of_source"),
            models.Index(fields=["created_at"], condition=Q(is_kept=False), name="ping_to_clean_up"),
        ]
        triggers: ClassVar = [
            owner_trigger("source_id", name="ping", instead="Ping again with a key of the other source."),
        ]

    def __str__(self) -> str:
        return str(self.public_id)

    @property
    def promise_lasts(self) -> timedelta:
        """As PROMISE_LASTS."""
        return self.expires_at - self.created_at

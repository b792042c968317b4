"""Messages to endpoints, and each request that was made for them."""

from typing import ClassVar, Final

import pgtrigger
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from distribution.models.assignment import Assignment
from distribution.models.direct_posts import answered_trigger
from distribution.models.emitting import delivery_event
from distribution.models.endpoint import Endpoint
from distribution.models.event import Event
from distribution.models.uuid7 import DatabaseUUID7
from routing.models import Lead
from routing.models.ownership import owner_trigger

# What deliverers listen to. The payload is empty: a deliverer looks for what is due.
CHANNEL: Final = "leadswitch_deliveries"


class DeliveryState(models.TextChoices):
    # sale, retry or a person -> pending: due at `next_try_at`
    PENDING = "pending", "waiting until it is due"
    # pending -> posting: a deliverer sends it, until `leased_until`
    POSTING = "posting", "being sent"
    # posting | unknown -> accepted: the buyer's system has it, or a person says so
    ACCEPTED = "accepted", "accepted"
    # posting | unknown -> rejected: the buyer's system refused it, or a person says so
    REJECTED = "rejected", "rejected"
    # posting -> unknown: nobody knows whether the buyer has it. A person decides.
    UNKNOWN = "unknown", "unknown: a person must decide"
    # pending | posting -> cancelled: it is not sent
    CANCELLED = "cancelled", "canceled"


ENDED: Final = (DeliveryState.ACCEPTED, DeliveryState.REJECTED, DeliveryState.CANCELLED)


def wake_triggers() -> list[pgtrigger.Trigger]:
    """Tell the deliverers at the commit that something is due. Several rows of a transaction give one message."""
    notify = f"NOTIFY {CHANNEL}; RETURN NULL;"
    return [
        pgtrigger.Trigger(
            name="notify_on_insert",
            when=pgtrigger.After,
            operation=pgtrigger.Insert,
            condition=pgtrigger.Condition("(NEW.state = 'pending')"),
            func=notify,
        ),
        pgtrigger.Trigger(
            name="notify_on_due",
            when=pgtrigger.After,
            operation=pgtrigger.UpdateOf("next_try_at"),
            # A retry waits: its deliverer knows when it is due.
            condition=pgtrigger.Condition("(NEW.state = 'pending' AND NEW.next_try_at <= clock_timestamp())"),
            func=notify,
        ),
    ]


# A direct post that may still be accepted or rejected.
OPEN: Final = (DeliveryState.PENDING, DeliveryState.POSTING, DeliveryState.UNKNOWN)


class Delivery(models.Model):
    """One message to one endpoint. All its tries have the same `message_id`, so a receiver can drop a repetition."""

    message_id = models.UUIDField(db_default=DatabaseUUID7(), unique=True, editable=False)
    # delivery_endpoint serves the foreign key as well.
    endpoint = models.ForeignKey(
        Endpoint, on_delete=models.PROTECT, related_name="deliveries", db_index=False
    )
    assignment = models.ForeignKey(
        Assignment, on_delete=models.PROTECT, null=True, blank=True, related_name="deliveries"
    )
    lead = models.ForeignKey(Lead, on_delete=models.PROTECT, null=True, blank=True, related_name="deliveries")
    # The event that it reports. NULL: it delivers a lead.
    event = models.ForeignKey(
        Event,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="deliveries",
        db_index=False,
    )
    is_direct_post = models.BooleanField(default=False, db_default=False)
    is_test = models.BooleanField(default=False, db_default=False)
    state = models.CharField(
        max_length=10,
        choices=DeliveryState.choices,
        default=DeliveryState.PENDING,
        db_default=DeliveryState.PENDING,
    )
    tries = models.PositiveSmallIntegerField(default=0, db_default=0)
    next_try_at = models.DateTimeField("next try at", null=True, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True, editable=False)
    first_try_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    # The buyer's own words, or a short code of ours.
    end_reason = models.CharField(max_length=200, blank=True, default="", db_default="")
    ended_by = models.CharField(max_length=150, blank=True, default="", db_default="")
    # When a person settled an acceptance that came too late. `verify` reports it until then.
    settled_at = models.DateTimeField(null=True, blank=True, editable=False)
    price_cents = models.BigIntegerField("answered price", null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "distribution_delivery"
        verbose_name_plural = "deliveries"
        permissions: ClassVar = [("resolve_delivery", "Can decide or resend a delivery")]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="pending", next_try_at__isnull=False)
                | (~Q(state="pending") & Q(next_try_at__isnull=True)),
                name="delivery_due_exactly_while_pending",
            ),
            models.CheckConstraint(
                condition=Q(state="posting", leased_until__isnull=False)
                | (~Q(state="posting") & Q(leased_until__isnull=True)),
                name="delivery_leased_exactly_while_posting",
            ),
            models.CheckConstraint(
                condition=Q(state__in=ENDED, ended_at__isnull=False)
                | (~Q(state__in=ENDED) & Q(ended_at__isnull=True)),
                name="delivery_ended_at_iff_ended",
            ),
            models.CheckConstraint(
                condition=Q(is_direct_post=False) | Q(assignment__isnull=False),
                name="delivery_direct_post_of_a_sale",
            ),
            models.CheckConstraint(
                condition=Q(lead__isnull=False) | Q(event__isnull=False), name="delivery_has_content"
            ),
        ]
        indexes = [
            models.Index(fields=["endpoint", "-id"], name="delivery_endpoint"),
            # What a deliverer looks for, endpoint by endpoint.
            models.Index(
                fields=["endpoint", "next_try_at", "id"], condition=Q(state="pending"), name="delivery_due"
            ),
            # When the next one is due, over all endpoints.
            models.Index(fields=["next_try_at"], condition=Q(state="pending"), name="delivery_next"),
            models.Index(
                fields=["endpoint", "leased_until"], condition=Q(state="posting"), name="delivery_posting"
            ),
            models.Index(fields=["id"], condition=Q(state="unknown"), name="delivery_unknown"),
            models.Index(fields=["event"], condition=Q(event__isnull=False), name="delivery_event"),
            # Messages of events that are removed next, and those that were given up.
            models.Index(
                fields=["state", "ended_at"],
                condition=Q(event__isnull=False, ended_at__isnull=False),
                name="delivery_event_ended",
            ),
        ]
        triggers: ClassVar = [
            *wake_triggers(),
            answered_trigger(),
            delivery_event(),
            owner_trigger(
                *("endpoint_id", "lead_id", "assignment_id", "event_id"),
                name="delivery",
                instead="Send a new one.",
            ),
        ]

    def __str__(self) -> str:
        return str(self.message_id)


class TryOutcome(models.TextChoices):
    ACCEPTED = "accepted", "accepted"
    REJECTED = "rejected", "rejected"
    UNKNOWN = "unknown", "unknown: the buyer may have it"
    NOT_SENT = "not_sent", "not sent: the buyer cannot have it"
    WORKER_LOST = "worker_lost", "worker lost: the buyer may have it"


class DeliveryTry(models.Model):
    """One request. The row is committed before the request goes out, so a killed deliverer leaves a trace of it.

    Secrets are hidden before a request is stored. The bodies are removed after 30 days.
    """

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="requests", db_index=False)
    number = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(
        max_length=12, choices=TryOutcome.choices, blank=True, default="", db_default=""
    )
    status_code = models.PositiveSmallIntegerField(null=True, blank=True)
    duration_ms = models.PositiveIntegerField(null=True, blank=True)
    request_head = models.TextField(blank=True, default="", db_default="")
    request_body = models.TextField(blank=True, default="", db_default="")
    answer_head = models.TextField(blank=True, default="", db_default="")
    answer_body = models.TextField(blank=True, default="", db_default="")
    error = models.CharField(max_length=100, blank=True, default="", db_default="")

    class Meta:
        db_table = "distribution_deliverytry"
        verbose_name = "try of a delivery"
        verbose_name_plural = "tries of deliveries"
        constraints = [
            models.UniqueConstraint(fields=["delivery", "number"], name="deliverytry_number_unique"),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=True, outcome="")
                | (Q(finished_at__isnull=False) & ~Q(outcome="")),
                name="deliverytry_outcome_iff_finished",
            ),
        ]
        indexes = [
            # What a figure of a time counts.
            models.Index(fields=["started_at"], name="deliverytry_started"),
            # Whose bodies are removed next.
            models.Index(
                fields=["started_at"],
                condition=~Q(request_body="", answer_body=""),
                name="deliverytry_with_bodies",
            ),
        ]
        triggers: ClassVar = [owner_trigger("delivery_id", name="try", instead="Send the other delivery.")]

    def __str__(self) -> str:
        return f"Try {self.number} of {self.delivery}"

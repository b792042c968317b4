"""One person's request, and the source of truth for when it is due."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from uuid6 import uuid7

from routing.models.attributesfield import AttributesField
from routing.models.ownership import owner_trigger, test_flag_trigger
from routing.models.posting import end_of_posting_trigger
from routing.models.workspace import Source, Workspace


class LeadVerification(models.TextChoices):
    """What is known of the person behind a lead."""

    NOT_ASKED = "", "not verified"
    CALL = "call", "confirmed in a call"
    HAND = "hand", "verified by an operator"
    # The person said in a call that they do not want it: it is not run again, and not sold by hand.
    DECLINED = "declined", "declined by the person"
    # The calls ended without a verification, and its campaign sells such leads.
    UNVERIFIED = "unverified", "could not be verified"


class LeadStatus(models.TextChoices):
    # intake, retry or an operator's re-run -> pending; it waits for `next_attempt_at`
    PENDING = "pending", "waiting until it is due"
    # pending | gated -> calling: work with outside effects, under a claim (routing/leads/claim.py)
    CALLING = "calling", "being called"
    # pending -> gated: the campaign requires that the person is verified first
    GATED = "gated", "waiting for verification"
    # pending -> offered: buyers may claim it or bid for it until `next_attempt_at`; -> distributed, or as from pending
    OFFERED = "offered", "offered to buyers"
    # pending -> posting: a buyer's system is asked whether it accepts the lead; -> pending when it has answered
    POSTING = "posting", "waiting for a buyer's system"
    # pending | offered | posting -> distributed
    DISTRIBUTED = "distributed", "sold"
    # distributed -> returned: all its buyers have returned it; -> pending on a re-run
    RETURNED = "returned", "returned by its buyers"
    # pending -> duplicate
    DUPLICATE = "duplicate", "duplicate of an earlier lead"
    # pending -> failed; -> pending when an operator runs it again
    FAILED = "failed", "needs an operator to run it again"
    # any unfinished -> expired
    EXPIRED = "expired", "expired"
    # any unfinished -> canceled
    CANCELLED = "cancelled", "canceled"


VERIFIED = (LeadVerification.CALL, LeadVerification.HAND)
# Leads that link an email and a phone of one person, although they make no other lead a duplicate.
LINKING = (LeadStatus.DUPLICATE, LeadStatus.RETURNED)
SAME_PERSON = Q(status__in=LINKING, email_hash__isnull=False, phone_hash__isnull=False)
# Leads that an attempt starts at `next_attempt_at`: a first one or a retry, or the one that closes an offer.
TIMED = (LeadStatus.PENDING, LeadStatus.OFFERED)
RARE_STATUSES = ("gated", "offered", "returned", "expired", "cancelled")
# Reasons that park or end a lead: in the retry queue only leads that a person ran again have them.
TRIED_AGAIN = (
    *("duplicate_lead", "insufficient_credits", "lead_expired", "no_campaign", "no_eligible_buyers"),
    *("no_eligible_buyers_after_tier_filters", "no_enrolled_buyers", "worker_lost"),
)
UNFINISHED = (
    *(LeadStatus.PENDING, LeadStatus.CALLING, LeadStatus.GATED, LeadStatus.OFFERED),
    LeadStatus.POSTING,
)


class Lead(models.Model):
    """Contact fields are personal data: they never leave this row for a log, label, task or trace.

    `next_attempt_at` is the source of truth for when the lead is due. It is set exactly while the lead is pending, or
    offered to buyers until then. The retry queue is the set of pending leads with `attempts > 0`.
    """

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="leads")
    source_workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="sent_leads")
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="leads")
    external_id = models.CharField(max_length=100, blank=True, help_text="The sender's own id.")

    first_name = models.CharField(max_length=100, blank=True)
    last_name = models.CharField(max_length=100, blank=True)
    email = models.CharField(max_length=254, blank=True)
    phone = models.CharField(max_length=16, blank=True, help_text="E.164.")
    phone_extension = models.CharField(max_length=15, blank=True, default="", db_default="")
    address = models.CharField(max_length=200, blank=True)
    email_hash = models.CharField(max_length=64, null=True, blank=True)  # noqa: DJ001 - blank is NULL, not equal
    phone_hash = models.CharField(max_length=64, null=True, blank=True)  # noqa: DJ001 - blank is NULL, not equal

    zip = models.CharField(max_length=20)
    city = models.CharField(max_length=100, blank=True)
    county = models.CharField(max_length=100, blank=True)
    state = models.CharField(max_length=50, blank=True)
    country = models.CharField(max_length=2, default="US")
    vertical = models.CharField(max_length=50)
    attributes = AttributesField(default=dict, blank=True)
    consent = models.JSONField(default=dict, blank=True, help_text="Proof of consent as the source sent it.")

    intake_notes = models.JSONField(
        default=list,
        db_default=[],
        blank=True,
        editable=False,
        help_text="Values that intake dropped or corrected, as field:code.",
    )

    status = models.CharField(max_length=12, choices=LeadStatus.choices, default=LeadStatus.PENDING)
    skip_reason = models.CharField(
        max_length=50, blank=True, help_text="Why the last attempt did not sell it."
    )
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    due_reason = models.CharField(max_length=50, blank=True, help_text="Why the lead is due at that time.")
    paused_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="While set, the lead keeps its due time and is not tried until it is resumed.",
    )
    resumed_at = models.DateTimeField(
        null=True, editable=False, help_text="When its own last pause ended. Delays are measured from then."
    )
    lost_leases = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="Workers lost in a row while trying this lead."
    )
    conflicts = models.PositiveSmallIntegerField(
        default=0, db_default=0, editable=False, help_text="Attempts in a row that could not get a lock."
    )
    errors = models.PositiveSmallIntegerField(
        default=0,
        db_default=0,
        editable=False,
        help_text="Attempts in a row that ended with an error in LeadSwitch.",
    )
    locked_by = models.CharField(
        max_length=100,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text="The worker that holds the claim.",
    )
    locked_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="When the claim began. Every later write checks it and the worker.",
    )
    received_at = models.DateTimeField(db_default=Now())
    woken_by = models.BigIntegerField(
        null=True, editable=False, help_text="The latest change that made it due. No foreign key."
    )
    wakes_full_at = models.DateTimeField(
        null=True,
        editable=False,
        help_text="When all six of its early retries are available again. One comes back every ten minutes.",
    )
    expires_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    posting_since = models.DateTimeField(
        null=True,
        editable=False,
        help_text="When the first buyer's system was asked. Set until the lead is finished or deferred.",
    )
    is_partly_sold = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text="A buyer has accepted or claimed the lead while others may still get it.",
    )
    cancel_reason = models.CharField(
        max_length=200, blank=True, db_default="", help_text="Why it was canceled, if a reason was given."
    )
    verified_at = models.DateTimeField(null=True, blank=True, editable=False)
    verification = models.CharField(
        max_length=10,
        choices=LeadVerification.choices,
        blank=True,
        default=LeadVerification.NOT_ASKED,
        db_default=LeadVerification.NOT_ASKED,
        editable=False,
        help_text="How the person was verified.",
    )
    is_test = models.BooleanField(
        "test lead",
        default=False,
        db_default=False,
        help_text="It is decided like any lead and charges nothing.",
    )
    ping = models.ForeignKey(
        "routing.Ping",
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        db_index=False,
        help_text="The ping whose price its source was promised.",
    )

    class Meta:
        db_table = "routing_lead"
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=TIMED, next_attempt_at__isnull=False)
                | (~Q(status__in=TIMED) & Q(next_attempt_at__isnull=True)),
                name="lead_due_exactly_while_pending",
            ),
            models.CheckConstraint(
                condition=Q(status__in=UNFINISHED, finished_at__isnull=True)
                | (~Q(status__in=UNFINISHED) & Q(finished_at__isnull=False)),
                name="lead_finished_at_iff_finished",
            ),
            models.CheckConstraint(
                condition=Q(paused_at__isnull=True) | Q(status=LeadStatus.PENDING),
                name="lead_paused_only_while_pending",
            ),
            models.CheckConstraint(
                condition=(Q(status=LeadStatus.CALLING, locked_at__isnull=False) & ~Q(locked_by=""))
                | (~Q(status=LeadStatus.CALLING) & Q(locked_at__isnull=True, locked_by="")),
                name="lead_locked_exactly_while_calling",
            ),
            models.CheckConstraint(
                condition=~Q(email_hash="") & ~Q(phone_hash=""), name="lead_hash_not_blank"
            ),
            models.CheckConstraint(
                condition=Q(posting_since__isnull=False)
                | (~Q(status="posting") & (Q(is_partly_sold=False) | Q(status="offered"))),
                name="lead_posting_since",
            ),
            # A test lead makes no other lead a duplicate.
            models.CheckConstraint(
                condition=Q(is_test=False) | Q(email_hash__isnull=True, phone_hash__isnull=True),
                name="lead_test_has_no_identity",
            ),
            models.CheckConstraint(
                condition=Q(verified_at__isnull=False, verification__in=VERIFIED)
                | (Q(verified_at__isnull=True) & ~Q(verification__in=VERIFIED)),
                name="lead_verified_at_iff_verified",
            ),
            models.UniqueConstraint(
                fields=["source", "external_id"],
                condition=~Q(external_id=""),
                name="lead_source_external_id_unique",
            ),
            # A ping is used once.
            models.UniqueConstraint(
                fields=["ping"], condition=Q(ping__isnull=False), name="lead_ping_used_once"
            ),
        ]
        triggers: ClassVar = [
            owner_trigger(
                *("source_id", "source_workspace_id", "ping_id"),
                name="lead",
                instead="Cancel it and have the other source send it.",
            ),
            end_of_posting_trigger(),
            test_flag_trigger(name="lead"),
        ]
        indexes = [
            # Finds due leads: pending or offered, and not paused, of each workspace in due order.
            models.Index(
                fields=["workspace", "next_attempt_at", "id"],
                condition=Q(status__in=["pending", "offered"], paused_at__isnull=True),
                name="lead_workspace_due",
            ),
            models.Index(fields=["workspace", "-received_at"], name="lead_workspace_received"),
            # Finds the first lead of a person: the status in the middle skips that person's many duplicates.
            models.Index(
                fields=["email_hash", "status", "received_at"],
                condition=Q(email_hash__isnull=False),
                name="lead_email_identity",
            ),
            models.Index(
                fields=["phone_hash", "status", "received_at"],
                condition=Q(phone_hash__isnull=False),
                name="lead_phone_identity",
            ),
            # Which emails and phones belong to one person, through leads that no other index covers.
            models.Index(
                fields=["email_hash", "phone_hash"],
                condition=SAME_PERSON,
                name="lead_email_to_phone",
            ),
            models.Index(
                fields=["phone_hash", "email_hash"],
                condition=SAME_PERSON,
                name="lead_phone_to_email",
            ),
            models.Index(
                fields=["expires_at"],
                condition=Q(status__in=["pending", "calling", "gated", "offered"]),
                name="lead_expiring",
            ),
            # The page of the retry queue in due order; the index contains the workspace so that rows need not be read.
            models.Index(
                fields=["next_attempt_at", "id"],
                include=["workspace"],
                condition=Q(status="pending", attempts__gt=0),
                name="lead_retry_queue",
            ),
            # Few leads among a hundred thousand that wait; other leads pay nothing for it.
            models.Index(
                fields=["next_attempt_at", "id"], condition=Q(paused_at__isnull=False), name="lead_paused"
            ),
            # Rare statuses: a list of one would read all leads. Sales and retries never touch this index.
            models.Index(
                fields=["status", "id"], condition=Q(status__in=RARE_STATUSES), name="lead_seldom_status"
            ),
            # Leads of the retry queue that a person ran again: a search by reason would read all that wait.
            models.Index(
                fields=["skip_reason", "next_attempt_at", "id"],
                condition=Q(status="pending", attempts__gt=0, skip_reason__in=TRIED_AGAIN),
                name="lead_tried_again",
            ),
            models.Index(fields=["locked_at"], condition=Q(status="calling"), name="lead_locked"),
            # Few at a time: the list of leads that wait for a buyer's system.
            models.Index(fields=["id"], condition=Q(status="posting"), name="lead_posting"),
            # Test leads are few among all leads.
            models.Index(fields=["id"], condition=Q(is_test=True), name="lead_test"),
            # Leads that a change may wake.
            models.Index(
                fields=["workspace", "skip_reason", "received_at"],
                condition=Q(status__in=["pending", "failed"]) & ~Q(skip_reason=""),
                name="lead_unsold",
            ),
            models.Index(
                fields=["status", "skip_reason"], condition=Q(status="failed"), name="lead_failed_reason"
            ),
        ]

    def __str__(self) -> str:
        return str(self.public_id)


class RetryQueue(models.Manager["RetryingLead"]):
    def get_queryset(self) -> "models.QuerySet[RetryingLead]":
        return super().get_queryset().filter(status=LeadStatus.PENDING, attempts__gt=0)


class RetryingLead(Lead):
    """A lead that was tried and is due again. It has no table: the retry queue is a set of leads."""

    objects: ClassVar[RetryQueue] = RetryQueue()

    class Meta:
        proxy = True
        default_permissions = ()  # who may see leads sees these
        verbose_name = "lead in the retry queue"
        verbose_name_plural = "retry queue"

"""Outbound calls, each written before its request, and what the carrier said of them."""

from typing import ClassVar, Final
from uuid import uuid4

import pgtrigger
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from distribution.models.carrieraccount import CarrierAccount
from distribution.models.channel import Channel
from distribution.models.verifying import CALL_REPORTS_CHANNEL, Verification, notify_calls
from routing.models import Lead, Workspace

MAX_CODE: Final = 30


class CallKind(models.TextChoices):
    VERIFICATION = "verification", "verification of a lead"
    TEST = "test", "test of a channel"


class CallState(models.TextChoices):
    """In the order of their ranks: a call never goes back."""

    CREATED = "created", "about to be placed"
    DIALING = "dialing", "being placed"
    QUEUED = "queued", "queued by the carrier"
    RINGING = "ringing", "ringing"
    IN_PROGRESS = "in_progress", "talking"
    ENDED = "ended", "ended"


class DialOutcome(models.TextChoices):
    """What the one request to place it came to."""

    NONE = "", "not known yet"
    PLACED = "placed", "placed"
    NOT_PLACED = "not_placed", "not placed"
    THROTTLED = "throttled", "not placed: too many at once"
    UNKNOWN = "unknown", "unknown: the carrier is asked"


class CallOutcome(models.TextChoices):
    NONE = "", "not ended"
    CONFIRMED = "confirmed", "confirmed"
    DECLINED = "declined", "declined"
    OPTED_OUT = "opted_out", "does not want to be called again"
    NO_INPUT = "no_input", "answered, no key pressed"
    VOICEMAIL = "voicemail", "answering machine"
    BUSY = "busy", "busy"
    NO_ANSWER = "no_answer", "no answer"
    INVALID_PHONE = "invalid_phone", "not a number that can be called"
    FAILED = "failed", "failed"
    CANCELED = "canceled", "ended by us"
    NOT_PLACED = "not_placed", "not placed"


class Call(models.Model):
    """One call. While it has not ended, it holds a line of its channel.

    `public_id` is in the addresses that the carrier calls back, and nobody can guess it. `state` only goes forward.
    `carrier_status`: the last word of the carrier about its end. `next_check_at`: when the carrier is asked about it.
    `hang_up_at`: since when it should end, because its lead has ended otherwise or it lasts too long. `from_number`:
    the channel's when it was written. The phone of a test is blank once it has ended.
    """

    public_id = models.UUIDField(default=uuid4, unique=True, editable=False)
    kind = models.CharField(
        max_length=12,
        choices=CallKind.choices,
        default=CallKind.VERIFICATION,
        db_default=CallKind.VERIFICATION,
    )
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    account = models.ForeignKey(CarrierAccount, on_delete=models.PROTECT, related_name="+", db_index=False)
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="calls", db_index=False)
    lead = models.ForeignKey(Lead, on_delete=models.PROTECT, null=True, blank=True, related_name="calls")
    verification = models.ForeignKey(
        Verification, on_delete=models.PROTECT, null=True, blank=True, related_name="calls"
    )
    number = models.PositiveSmallIntegerField(
        "try", default=1, help_text="1 for the first call of its verification."
    )
    from_number = models.CharField("from", max_length=16)
    test_phone = models.CharField(max_length=16, blank=True, default="", db_default="")
    phone_hash = models.CharField(max_length=64, null=True, blank=True)  # noqa: DJ001 - as on the lead
    state = models.CharField(max_length=12, choices=CallState.choices, default=CallState.CREATED)
    dial = models.CharField(
        "placing", max_length=10, choices=DialOutcome.choices, blank=True, default="", db_default=""
    )
    dial_code = models.CharField("carrier's code", max_length=MAX_CODE, blank=True, default="", db_default="")
    dial_problem = models.CharField(max_length=MAX_CODE, blank=True, default="", db_default="")
    carrier_sid = models.CharField("carrier's id", max_length=64, null=True, blank=True)  # noqa: DJ001 - unique
    carrier_status = models.CharField(max_length=20, blank=True, default="", db_default="")
    outcome = models.CharField(
        max_length=14, choices=CallOutcome.choices, blank=True, default="", db_default=""
    )
    key = models.CharField("pressed key", max_length=1, blank=True, default="", db_default="")
    answered_by = models.CharField(max_length=30, blank=True, default="", db_default="")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    dialed_at = models.DateTimeField(null=True, blank=True, help_text="When its request began.")
    ringing_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=10, blank=True, default="", db_default="")
    duration_seconds = models.PositiveIntegerField(null=True, blank=True)
    cost_micros = models.BigIntegerField(
        "cost", null=True, blank=True, help_text="In millionths of the carrier's currency."
    )
    cost_currency = models.CharField(max_length=3, blank=True, default="", db_default="")
    cost_due_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When the carrier is asked what it cost: it knows that later than the end.",
    )
    records = models.BooleanField("recorded", default=False, db_default=False)
    recording_sid = models.CharField(max_length=64, blank=True, default="", db_default="")
    time_limit_seconds = models.PositiveIntegerField(default=120, db_default=120)
    ring_seconds = models.PositiveIntegerField(default=30, db_default=30)
    next_check_at = models.DateTimeField(null=True, blank=True)
    checks = models.PositiveIntegerField(default=0, db_default=0)
    hang_up_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "distribution_call"
        default_permissions = ("view",)
        permissions = [("listen_to_recordings", "Can listen to recordings of calls")]
        constraints = [
            models.CheckConstraint(
                condition=Q(state=CallState.ENDED, ended_at__isnull=False) & ~Q(outcome="")
                | (~Q(state=CallState.ENDED) & Q(ended_at__isnull=True, outcome="")),
                name="call_ended_at_iff_ended",
            ),
            models.CheckConstraint(
                condition=Q(state=CallState.ENDED, next_check_at__isnull=True)
                | (~Q(state=CallState.ENDED) & Q(next_check_at__isnull=False)),
                name="call_checked_until_it_ends",
            ),
            models.CheckConstraint(
                condition=Q(
                    kind=CallKind.VERIFICATION, lead__isnull=False, verification__isnull=False, test_phone=""
                )
                | (
                    Q(kind=CallKind.TEST, lead__isnull=True, verification__isnull=True)
                    & (
                        Q(ended_at__isnull=False, test_phone="")
                        | (Q(ended_at__isnull=True) & ~Q(test_phone=""))
                    )
                ),
                name="call_has_lead_or_test_phone",
            ),
            models.UniqueConstraint(
                fields=["account", "carrier_sid"],
                condition=Q(carrier_sid__isnull=False),
                name="call_carrier_sid_unique",
            ),
            # Never two calls to a person at once, whichever leads they belong to.
            models.UniqueConstraint(
                fields=["phone_hash"],
                condition=Q(ended_at__isnull=True, phone_hash__isnull=False),
                name="call_one_open_of_phone",
            ),
            models.UniqueConstraint(
                fields=["lead"],
                condition=Q(ended_at__isnull=True, lead__isnull=False),
                name="call_one_open_of_lead",
            ),
        ]
        indexes = [
            # The lines of a channel.
            models.Index(fields=["channel"], condition=Q(ended_at__isnull=True), name="call_lines"),
            models.Index(fields=["next_check_at"], condition=Q(ended_at__isnull=True), name="call_checked"),
            models.Index(
                fields=["cost_due_at"], condition=Q(cost_due_at__isnull=False), name="call_cost_due"
            ),
            # How often a person was called lately.
            models.Index(
                fields=["phone_hash", "-dialed_at"], condition=Q(phone_hash__isnull=False), name="call_phone"
            ),
            models.Index(fields=["workspace", "-id"], name="call_workspace"),
            models.Index(fields=["channel", "-id"], name="call_channel"),
            # The calls of a day.
            models.Index(fields=["created_at"], name="call_created_at"),
        ]
        triggers: ClassVar = [
            notify_calls(
                "notify_on_end",
                operation=pgtrigger.UpdateOf("ended_at"),
                condition="(OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL)",
            ),
        ]

    def __str__(self) -> str:
        return str(self.public_id)

    @property
    def owner(self) -> str:
        """The owner of the lead's claim while the call is out."""
        return owner_of(self.public_id)


def owner_of(public_id: object) -> str:
    return f"call:{public_id}"


class NoticeKind(models.TextChoices):
    STATUS = "status", "state of the call"
    SCRIPT = "script", "answered: asked for the script"
    KEYS = "keys", "pressed key"
    RECORDING = "recording", "recording"


class CallNotice(models.Model):
    """One report of the carrier, stored before it is applied. A repeated one is stored once. No phone number.

    `result`: what applying it came to. If it names a call that must end at the carrier, `due_at` says when the carrier
    is asked for that, and `tries` how often it was.
    """

    call = models.ForeignKey(Call, on_delete=models.PROTECT, related_name="notices")
    kind = models.CharField(max_length=10, choices=NoticeKind.choices)
    carrier_sid = models.CharField(max_length=64)
    status = models.CharField(max_length=20, blank=True, default="", db_default="")
    sequence = models.IntegerField(
        default=-1, db_default=-1, help_text="The carrier's own count, if it has one."
    )
    key = models.CharField(max_length=1, blank=True, default="", db_default="")
    answered_by = models.CharField(max_length=30, blank=True, default="", db_default="")
    duration_seconds = models.PositiveIntegerField(null=True, blank=True)
    recording_sid = models.CharField(max_length=64, blank=True, default="", db_default="")
    received_at = models.DateTimeField(db_default=Now(), editable=False)
    applied_at = models.DateTimeField(null=True, blank=True)
    result = models.CharField(max_length=20, blank=True, default="", db_default="")
    due_at = models.DateTimeField(db_default=Now(), editable=False)
    tries = models.PositiveSmallIntegerField(default=0, db_default=0)

    class Meta:
        db_table = "distribution_callnotice"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["call", "kind", "carrier_sid", "status", "sequence", "key", "recording_sid"],
                name="callnotice_once",
            ),
        ]
        indexes = [
            models.Index(
                fields=["id"], condition=Q(applied_at__isnull=True, result=""), name="callnotice_new"
            ),
            # Calls with new reports, behind any number of reports of one call.
            models.Index(
                fields=["call"],
                condition=Q(applied_at__isnull=True, result=""),
                name="callnotice_new_of_call",
            ),
            # Calls to end at the carrier.
            models.Index(
                fields=["due_at", "id"],
                condition=Q(applied_at__isnull=True, result="hang_up"),
                name="callnotice_hang_up",
            ),
        ]
        triggers: ClassVar = [
            notify_calls(
                "notify_on_notice",
                operation=pgtrigger.Insert,
                condition="(NEW.applied_at IS NULL)",
                channel=CALL_REPORTS_CHANNEL,
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.status}"

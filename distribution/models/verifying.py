"""Verifications of leads: each waits for a call, is being called, waits for a person, or has ended."""

from typing import ClassVar, Final

import pgtrigger
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from distribution.models.campaign import Campaign
from routing.models import Lead, Workspace
from tracing.models.append_only import append_only_triggers

# What dialers listen to. The payload is empty: a dialer looks for what is due.
CALLS_CHANNEL: Final = "leadswitch_calls"
# Reports of carriers: they wake those who apply them, and nobody else.
CALL_REPORTS_CHANNEL: Final = "leadswitch_call_reports"


class VerificationState(models.TextChoices):
    # attempt, call that did not reach the person -> waiting: a call may go out from `due_at` on
    WAITING = "waiting", "waiting for a call"
    # waiting -> calling: a call is out
    CALLING = "calling", "being called"
    # waiting | calling -> person: no further call; an operator decides
    PERSON = "person", "waiting for an operator"
    # any open -> verified: by a call or by an operator
    VERIFIED = "verified", "verified"
    # calling -> declined: the person said no
    DECLINED = "declined", "declined"
    # waiting | calling -> unverified: no further call
    UNVERIFIED = "unverified", "not verified"
    # any open -> closed: the lead ended otherwise
    CLOSED = "closed", "closed: the lead ended otherwise"


OPEN_VERIFICATIONS: Final = (VerificationState.WAITING, VerificationState.CALLING, VerificationState.PERSON)


def notify_calls(
    name: str, *, operation: pgtrigger.Operation, condition: str, channel: str = CALLS_CHANNEL
) -> pgtrigger.Trigger:
    """Tell the dialers at the commit. Several rows of a transaction give one message."""
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.After,
        operation=operation,
        condition=pgtrigger.Condition(condition),
        func=f"NOTIFY {channel}; RETURN NULL;",
    )


def end_of_verification_trigger() -> pgtrigger.Trigger:
    """A lead that neither waits for its verification nor is called has no open one, whichever path ended it.

    A verification that was still open did not end by itself, so the call of its lead, if one is out, is hung up. One
    that was not requested yet is not requested.
    """
    return pgtrigger.Trigger(
        name="end_of_verification",
        when=pgtrigger.After,
        operation=pgtrigger.UpdateOf("status"),
        condition=pgtrigger.Condition(
            "(OLD.status IN ('gated', 'calling') AND NEW.status NOT IN ('gated', 'calling'))"
        ),
        func=f"""
            UPDATE distribution_verification SET state = 'closed', ended_at = clock_timestamp(), due_at = NULL
            WHERE lead_id = NEW.id AND ended_at IS NULL;
            IF NOT FOUND THEN
                RETURN NULL;
            END IF;
            WITH hung_up AS (
                UPDATE distribution_call SET hang_up_at = clock_timestamp(), next_check_at = clock_timestamp()
                WHERE lead_id = NEW.id AND ended_at IS NULL AND hang_up_at IS NULL AND key = ''
                RETURNING id, verification_id
            )
            INSERT INTO distribution_callevent (verification_id, call_id, at, code, data)
            SELECT verification_id, id, clock_timestamp(), 'hung_up', '{{"why": "lead_moved_on"}}' FROM hung_up;
            IF FOUND THEN
                NOTIFY {CALLS_CHANNEL};
            END IF;
            RETURN NULL;
        """,  # noqa: S608 - only a constant is put in
    )


def new_hash_trigger() -> pgtrigger.Trigger:
    """A phone whose hash is computed anew stays blocked, and its calls stay counted.

    It may have been blocked with the new hash already: one entry stays. If calls with both are out, each keeps its own.
    """
    return pgtrigger.Trigger(
        name="new_phone_hash",
        when=pgtrigger.After,
        operation=pgtrigger.UpdateOf("phone_hash"),
        condition=pgtrigger.Condition("(NEW.phone = OLD.phone AND NEW.phone_hash <> OLD.phone_hash)"),
        func="""
            UPDATE distribution_blockedphone kept SET is_opt_out = TRUE FROM distribution_blockedphone earlier
            WHERE kept.phone_hash = NEW.phone_hash AND earlier.phone_hash = OLD.phone_hash
                AND kept.workspace_id = earlier.workspace_id AND earlier.is_opt_out AND NOT kept.is_opt_out;
            DELETE FROM distribution_blockedphone earlier USING distribution_blockedphone kept
            WHERE kept.phone_hash = NEW.phone_hash AND earlier.phone_hash = OLD.phone_hash
                AND kept.workspace_id = earlier.workspace_id;
            UPDATE distribution_blockedphone SET phone_hash = NEW.phone_hash WHERE phone_hash = OLD.phone_hash;
            UPDATE distribution_call c SET phone_hash = NEW.phone_hash WHERE c.phone_hash = OLD.phone_hash
                AND (c.ended_at IS NOT NULL OR NOT EXISTS (
                    SELECT FROM distribution_call o WHERE o.phone_hash = NEW.phone_hash AND o.ended_at IS NULL
                ));
            RETURN NULL;
        """,
    )


class Verification(models.Model):
    """Whether and when a lead's person is called. A lead has one open verification at most.

    The queue of a workspace is its waiting verifications that are due, by due time: no row is touched while it waits
    for a line. `tries`: calls that rang, or may have. `reason`: a code, why it is not called before `due_at`.
    """

    public_id = models.UUIDField(unique=True, editable=False)
    lead = models.ForeignKey(Lead, on_delete=models.PROTECT, related_name="verifications")
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="+")
    attempt_id = models.UUIDField(help_text="The attempt that opened it.")
    state = models.CharField(max_length=10, choices=VerificationState.choices)
    due_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField("waits because", max_length=30, blank=True, default="", db_default="")
    tries = models.PositiveSmallIntegerField(default=0, db_default=0)
    opened_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "distribution_verification"
        default_permissions = ("view",)
        permissions = [("verify_by_hand", "Can verify leads by hand")]
        constraints = [
            models.UniqueConstraint(
                fields=["lead"], condition=Q(ended_at__isnull=True), name="verification_one_open_of_lead"
            ),
            models.CheckConstraint(
                condition=Q(state=VerificationState.WAITING, due_at__isnull=False)
                | (~Q(state=VerificationState.WAITING) & Q(due_at__isnull=True)),
                name="verification_due_exactly_while_waiting",
            ),
            models.CheckConstraint(
                condition=Q(state__in=OPEN_VERIFICATIONS, ended_at__isnull=True)
                | (~Q(state__in=OPEN_VERIFICATIONS) & Q(ended_at__isnull=False)),
                name="verification_ended_at_iff_ended",
            ),
        ]
        indexes = [
            # The queue of each workspace, and the next due time.
            models.Index(
                fields=["workspace", "due_at", "id"], condition=Q(state="waiting"), name="verification_queue"
            ),
            # Those that a change of hours makes due.
            models.Index(
                fields=["reason", "workspace"],
                condition=Q(state="waiting") & ~Q(reason=""),
                name="verification_reason",
            ),
            models.Index(fields=["workspace", "state", "-id"], name="verification_state"),
            models.Index(fields=["workspace", "-id"], name="verification_workspace"),
        ]
        triggers: ClassVar = [
            notify_calls("notify_on_insert", operation=pgtrigger.Insert, condition="(NEW.state = 'waiting')"),
            notify_calls(
                "notify_on_due",
                operation=pgtrigger.UpdateOf("due_at", "state"),
                # A change of hours, a trigger too, makes many due at once and tells it once (waking_calls.py).
                condition="(NEW.state = 'waiting' AND (NEW.due_at < OLD.due_at OR OLD.due_at IS NULL)"
                " AND pg_trigger_depth() = 0)",
            ),
        ]

    def __str__(self) -> str:
        return str(self.public_id)


class CallEvent(models.Model):
    """The story of a verification. Its codes and their words are in tracing/call_events.py. No personal data."""

    verification = models.ForeignKey(Verification, on_delete=models.PROTECT, related_name="events", null=True)
    # Without a database foreign key: the row of a call must not be locked for its story.
    call_id = models.BigIntegerField(null=True)
    at = models.DateTimeField(db_default=Now())
    code = models.CharField(max_length=30)
    data = models.JSONField(default=dict, db_default={})

    class Meta:
        db_table = "distribution_callevent"
        default_permissions = ()
        indexes = [
            models.Index(fields=["call_id"], condition=Q(call_id__isnull=False), name="callevent_call")
        ]
        triggers: ClassVar = append_only_triggers("distribution_callevent")

    def __str__(self) -> str:
        return self.code


class LeadWithVerifications(Lead):
    """The lead, for the trigger that ends its verification."""

    class Meta:
        proxy = True
        default_permissions = ()
        triggers: ClassVar = [end_of_verification_trigger(), new_hash_trigger()]

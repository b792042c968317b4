"""Mails that tell a buyer why its automatic recharge is paused: one for each pause."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from distribution.models.cards import PauseReason, Recharge
from routing.models import Workspace
from routing.models.ownership import owner_trigger


class RechargeNoticeState(models.TextChoices):
    # a pause -> waiting: due at next_try_at
    WAITING = "waiting", "waiting"
    # waiting -> sent: the mail server accepted it
    SENT = "sent", "sent"
    # waiting -> failed: refused for good, after the last try, or the buyer has no address
    FAILED = "failed", "failed"
    # waiting -> over: the pause ended before the mail was sent
    OVER = "over", "over"


class RechargeNotice(models.Model):
    """The mail about one pause. Its addresses are read when it is sent, so a person who was removed gets none."""

    recharge = models.ForeignKey(Recharge, on_delete=models.PROTECT, related_name="notices")
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+")
    paused_at = models.DateTimeField()
    pause_reason = models.CharField(max_length=20, choices=PauseReason.choices)
    state = models.CharField(
        max_length=7, choices=RechargeNoticeState.choices, default=RechargeNoticeState.WAITING
    )
    tries = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    ended_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        db_table = "distribution_rechargenotice"
        default_permissions = ()  # shown on the page of the wallet
        constraints = [
            models.UniqueConstraint(fields=["recharge", "paused_at"], name="recharge_notice_once_each_pause"),
            models.CheckConstraint(
                condition=Q(state="waiting", next_try_at__isnull=False, ended_at__isnull=True)
                | Q(state__in=["sent", "failed", "over"], next_try_at__isnull=True, ended_at__isnull=False),
                name="recharge_notice_state_fits",
            ),
        ]
        indexes = [
            models.Index(fields=["next_try_at"], condition=Q(state="waiting"), name="recharge_notice_due")
        ]
        triggers: ClassVar = [
            owner_trigger(
                *("recharge_id", "workspace_id", "paused_at"),
                name="recharge notice",
                instead="Write another notice.",
            )
        ]

    def __str__(self) -> str:
        return f"Notice of recharge {self.recharge_id}: {self.state}"

"""Phone numbers with a limited number of lines, over which verification calls go out."""

from typing import ClassVar, Final

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from uuid6 import uuid7

from distribution.configuration.checks import check_hours, check_timezone
from distribution.models.carrieraccount import CarrierAccount
from distribution.models.verifying import notify_calls
from distribution.models.waking_calls import channel_triggers
from routing.models import Workspace
from routing.models.ownership import owner_trigger

MOST_LINES: Final = 200
MOST_CALLS_PER_MINUTE: Final = 12_000
# Columns whose change may make room for a call. The dialer's own columns are not among them.
ROOM: Final = ("is_enabled", "flagged_at", "account_id", "lines", "hours", "timezone", "calls_per_minute")
MAY_HAVE_ROOM: Final = "(NEW.is_enabled AND NEW.flagged_at IS NULL)"
E164: Final = r"\A\+[1-9][0-9]{6,14}\Z"


class Channel(models.Model):
    """A line is a call of the channel that has not ended. They are counted under the lock of this row.

    `next_dial_at`: before then the channel's own pace allows no call. `flagged_at`: no call goes out over it, because
    the carrier refused the number or a person marked it as flagged.
    """

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    workspace = models.ForeignKey(
        Workspace,
        on_delete=models.PROTECT,
        related_name="channels",
        help_text="The workspace whose leads are called from this number.",
    )
    account = models.ForeignKey(CarrierAccount, on_delete=models.PROTECT, related_name="channels")
    name = models.CharField(max_length=100, help_text="Unique in its workspace.")
    number = models.CharField(
        max_length=16,
        validators=[RegexValidator(E164, "Enter it with its country code, e.g. +14045550123.")],
        help_text="The number that people see, e.g. +14045550123. It belongs to the carrier account.",
    )
    lines = models.PositiveIntegerField(
        default=1,
        db_default=1,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_LINES)],
        help_text="How many calls may be out at once. Calls that are out are not ended if you lower it.",
    )
    is_enabled = models.BooleanField("enabled", default=True, db_default=True)
    timezone = models.CharField(
        verbose_name="time zone",
        max_length=50,
        default="America/New_York",
        validators=[check_timezone],
        help_text="The time zone of the hours below.",
    )
    hours = models.JSONField(
        default=dict,
        blank=True,
        validators=[check_hours],
        help_text='When calls go out over it, as well as the hours of the law: {"mon": [["09:00", "17:00"]], …}. '
        "Empty: whenever the law allows it.",
    )
    calls_per_minute = models.PositiveIntegerField(
        default=60,
        db_default=60,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_CALLS_PER_MINUTE)],
        help_text="A number that calls more is soon flagged as spam.",
    )
    area_codes = ArrayField(
        models.CharField(
            max_length=3, validators=[RegexValidator(r"\A[2-9][0-9]{2}\Z", "An area code has three digits.")]
        ),
        default=list,
        db_default=[],
        blank=True,
        help_text="Area codes that this number calls first, e.g. 404, 470. Empty: the area code of the number.",
    )
    flagged_at = models.DateTimeField(null=True, editable=False)
    flag_reason = models.CharField(max_length=200, blank=True, default="", db_default="", editable=False)
    next_dial_at = models.DateTimeField(null=True, editable=False)
    last_dialed_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "distribution_channel"
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="channel_name_unique"),
            # A number that moves to another account gets another channel there.
            models.UniqueConstraint(
                fields=["account", "number"],
                name="channel_number_unique",
                violation_error_message="This account has a channel with this number already.",
            ),
            models.CheckConstraint(
                condition=Q(lines__gte=1, lines__lte=MOST_LINES), name="channel_lines_in_range"
            ),
            models.CheckConstraint(
                condition=Q(calls_per_minute__gte=1, calls_per_minute__lte=MOST_CALLS_PER_MINUTE),
                name="channel_pace_in_range",
            ),
            models.CheckConstraint(
                condition=Q(flagged_at__isnull=True, flag_reason="")
                | (Q(flagged_at__isnull=False) & ~Q(flag_reason="")),
                name="channel_flagged_with_reason",
            ),
        ]
        triggers: ClassVar = [
            # A call that is out is looked for at the account and under the number that it was placed with.
            owner_trigger(
                "workspace_id",
                "account_id",
                "number",
                name="channel",
                instead="Disable this channel and add another one.",
            ),
            pgtrigger.Trigger(
                name="account_of_workspace",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    IF NOT EXISTS (
                        SELECT FROM distribution_carrieraccount
                        WHERE id = NEW.account_id AND workspace_id = NEW.workspace_id
                    ) THEN
                        RAISE EXCEPTION 'The account of a channel belongs to its workspace.'
                        USING ERRCODE = 'check_violation', CONSTRAINT = 'channel_account_of_workspace';
                    END IF;
                    RETURN NEW;
                """,
            ),
            *channel_triggers(),
            notify_calls("notify_on_insert", operation=pgtrigger.Insert, condition="(NEW.is_enabled)"),
            notify_calls("notify_on_update", operation=pgtrigger.UpdateOf(*ROOM), condition=MAY_HAVE_ROOM),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def local_codes(self) -> list[str]:
        """The area codes that it calls first. Only numbers in the North American plan have one of their own."""
        return list(self.area_codes) or ([self.number[2:5]] if self.number.startswith("+1") else [])

    def clean(self) -> None:
        if self.account_id and self.account.workspace_id != self.workspace_id:
            raise ValidationError(
                {
                    "account": "This account belongs to another workspace. Choose one in the channel's workspace."
                }
            )

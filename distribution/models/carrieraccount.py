"""The account at a carrier over which verification calls are placed."""

from typing import ClassVar, Final

import pgtrigger
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from uuid6 import uuid7

from distribution.models.encrypted import EncryptedTextField
from distribution.models.verifying import notify_calls
from routing.models import Workspace
from routing.models.ownership import owner_trigger

TWILIO: Final = "https://api.twilio.com"
MOST_CALLS_PER_SECOND: Final = 200


class CarrierAccount(models.Model):
    """Credentials, pace and kill switch. The carrier queues what comes faster; we do not let it come faster.

    `next_dial_at`: before then no call is placed, or the carrier would queue it while its line is held.
    `stopped_at`: no call is placed until a person starts the account again; `stop_code` says why.
    """

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    workspace = models.ForeignKey(
        Workspace,
        on_delete=models.PROTECT,
        related_name="carrier_accounts",
        help_text="The workspace whose leads are called over this account.",
    )
    name = models.CharField(max_length=100, help_text="Unique in its workspace. Next: add a channel.")
    api_url = models.URLField(
        "API address",
        default=TWILIO,
        help_text="Of a carrier with the API of Twilio, without a path.",
    )
    account_sid = models.CharField(
        "account SID",
        max_length=64,
        validators=[
            RegexValidator(r"\A[A-Za-z0-9]+\Z", "Copy it from the carrier's console: letters and digits.")
        ],
        help_text="From the carrier's console; at Twilio it begins with AC.",
    )
    auth_token = EncryptedTextField(
        help_text="From the carrier's console. It also signs the carrier's messages to us."
    )
    previous_token = EncryptedTextField(
        null=True,
        blank=True,
        help_text="While the token is being replaced: messages signed with it are still accepted. Clear it afterwards.",
    )
    signing_key = EncryptedTextField(
        null=True, blank=True, help_text="Only if the carrier signs with a shared key (HMAC-SHA256)."
    )
    calls_per_second = models.PositiveIntegerField(
        default=1,
        db_default=1,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_CALLS_PER_SECOND)],
        help_text="How fast the carrier places calls of this account. Twilio: 1, unless it has raised it.",
    )
    next_dial_at = models.DateTimeField(null=True, editable=False)
    is_enabled = models.BooleanField("enabled", default=True, db_default=True)
    stopped_at = models.DateTimeField(null=True, editable=False)
    stop_code = models.CharField(max_length=30, blank=True, default="", db_default="", editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "distribution_carrieraccount"
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="carrieraccount_name_unique"),
            models.CheckConstraint(
                condition=Q(calls_per_second__gte=1, calls_per_second__lte=MOST_CALLS_PER_SECOND),
                name="carrieraccount_pace_in_range",
            ),
            models.CheckConstraint(
                condition=Q(stopped_at__isnull=True, stop_code="")
                | (Q(stopped_at__isnull=False) & ~Q(stop_code="")),
                name="carrieraccount_stopped_with_code",
            ),
        ]
        triggers: ClassVar = [
            # A call that is out is known to this account of this carrier alone.
            owner_trigger(
                "workspace_id",
                "api_url",
                "account_sid",
                name="account",
                instead="Disable this account and add another one.",
            ),
            notify_calls(
                "notify_on_update",
                operation=pgtrigger.UpdateOf("is_enabled", "stopped_at", "calls_per_second"),
                condition="(NEW.is_enabled AND NEW.stopped_at IS NULL)",
            ),
        ]

    def __str__(self) -> str:
        return self.name

"""Monthly statements of buyers: frozen figures of the ledger, their numbers, and the mails that carry them."""

from typing import ClassVar, Final

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Greatest, Now

from distribution.models.money import Wallet
from routing.models import Workspace
from tracing.models.append_only import append_only_triggers

# The figures of a month. Each is the sum of the ledger entries of its kinds, signed as in the ledger.
MOVED: Final = {
    "charged_cents": ("charge", "capture"),
    "refunded_cents": ("refund",),
    "topped_up_cents": ("topup",),
    "adjusted_cents": ("adjustment",),
    "card_refunded_cents": ("cardrefund",),
    "charged_back_cents": ("chargeback",),
    "won_back_cents": ("won_back",),
}


def _add_up() -> models.expressions.Combinable:
    total: models.expressions.Combinable = F("opening_cents")
    for name in MOVED:
        total = total + F(name)
    return total


class BuyerStatement(models.Model):
    """What moved in one wallet in one month of the buyer's calendar. It never changes once it is issued.

    It covers the wallet's entries with an id above `after_entry_id`, up to `last_entry_id`. The next month begins where
    this one ends, so each entry is in one statement. A correction is an entry of a later month.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="statements", db_index=False)
    number = models.PositiveIntegerField(help_text="Each workspace counts from 1 without gaps.")
    month = models.DateField(help_text="Its first day.")
    timezone = models.CharField("time zone", max_length=64)
    starts_at = models.DateTimeField("from")
    ends_at = models.DateTimeField("until")
    after_entry_id = models.BigIntegerField()
    last_entry_id = models.BigIntegerField()
    buyer_name = models.CharField(max_length=200)
    workspace_name = models.CharField(max_length=200)
    opening_cents = models.BigIntegerField()
    leads = models.PositiveIntegerField()
    charged_cents = models.BigIntegerField()
    refunded_cents = models.BigIntegerField()
    topped_up_cents = models.BigIntegerField()
    adjusted_cents = models.BigIntegerField()
    card_refunded_cents = models.BigIntegerField()
    charged_back_cents = models.BigIntegerField()
    won_back_cents = models.BigIntegerField()
    closing_cents = models.BigIntegerField()
    held_cents = models.BigIntegerField()
    credit_limit_cents = models.BigIntegerField()
    terms_days = models.PositiveSmallIntegerField(null=True, help_text="Empty: prepaid.")
    due_cents = models.BigIntegerField()
    due_on = models.DateField()
    # When due_on has ended in the buyer's time zone.
    due_at = models.DateTimeField()
    # Groups and single movements, without personal data: see distribution.statements.figures.
    details = models.JSONField()
    issued_at = models.DateTimeField()
    issued_by = models.CharField(max_length=150)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "distribution_buyerstatement"
        verbose_name = "statement"
        constraints = [
            models.UniqueConstraint(fields=["wallet", "month"], name="statement_one_each_month"),
            models.UniqueConstraint(fields=["workspace", "number"], name="statement_number_once"),
            models.CheckConstraint(condition=Q(closing_cents=_add_up()), name="statement_adds_up"),
            models.CheckConstraint(
                condition=Q(due_cents=Greatest(0, 0 - F("closing_cents"))), name="statement_due_fits"
            ),
            models.CheckConstraint(condition=Q(month__day=1), name="statement_month_is_first_day"),
            models.CheckConstraint(
                condition=Q(starts_at__lt=F("ends_at"), after_entry_id__lte=F("last_entry_id")),
                name="statement_range_fits",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(due_cents__gt=0), name="statement_due"),
        ]
        triggers: ClassVar = append_only_triggers("distribution_buyerstatement")

    def __str__(self) -> str:
        return f"Statement {self.number} of {self.buyer_name}, {self.month:%B %Y}"


class StatementCounter(models.Model):
    """The last number of a workspace, raised in the transaction that uses the number: none is left out."""

    workspace = models.OneToOneField(Workspace, on_delete=models.PROTECT, primary_key=True, related_name="+")
    last_number = models.PositiveIntegerField(default=0)

    class Meta:
        db_table = "distribution_statementcounter"
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.last_number)


class StatementMailState(models.TextChoices):
    # issue -> waiting: due at next_try_at
    WAITING = "waiting", "waiting"
    # waiting -> sent: the mail server accepted it
    SENT = "sent", "sent"
    # waiting -> failed: refused for good, or after the last try
    FAILED = "failed", "failed"


class StatementMail(models.Model):
    """One mail with a statement, to the addresses of its time."""

    statement = models.OneToOneField(
        BuyerStatement, on_delete=models.PROTECT, primary_key=True, related_name="mail"
    )
    email_to = models.CharField("to", max_length=500)
    state = models.CharField(
        max_length=7, choices=StatementMailState.choices, default=StatementMailState.WAITING
    )
    tries = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        db_table = "distribution_statementmail"
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(state="waiting", next_try_at__isnull=False, ended_at__isnull=True)
                | Q(state__in=["sent", "failed"], next_try_at__isnull=True, ended_at__isnull=False),
                name="statement_mail_state_fits",
            )
        ]
        indexes = [
            models.Index(fields=["next_try_at"], condition=Q(state="waiting"), name="statement_mail_due")
        ]

    def __str__(self) -> str:
        return f"Mail of statement {self.statement_id}: {self.state}"

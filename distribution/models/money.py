"""Buyers' credits: a balance that the database keeps above its limit, and the entries that explain it."""

from typing import ClassVar, Final

import pgtrigger
from django.contrib.postgres.functions import RandomUUID
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.text import capfirst

from distribution.configuration.addresses import check_addresses
from distribution.engine.limits import MAX_CREDIT_LIMIT_CENTS
from distribution.models.accounts import LEDGER_ACCOUNTS, Account, account_fits_kind, manual_trigger
from distribution.models.buyer import Buyer
from distribution.models.emitting import wallet_event
from distribution.models.payable_triggers import deduct_trigger
from distribution.models.waking import wallet_trigger
from routing.models.ownership import owner_trigger
from tracing.models.append_only import append_only_triggers
from tracing.wording import money

# A payment or a recharge is due: distribution.payments.payer.
PAYMENTS_CHANNEL: Final = "leadswitch_payments"


def charged_back_trigger() -> pgtrigger.Trigger:
    """Take back at once what is no longer needed, so that nothing but a chargeback lowers a balance further."""
    return pgtrigger.Trigger(
        name="shrink_charged_back",
        when=pgtrigger.Before,
        operation=pgtrigger.UpdateOf("balance_cents", "held_cents", "credit_limit_cents"),
        condition=pgtrigger.Condition("(NEW.charged_back_cents > 0)"),
        func="""
            NEW.charged_back_cents = LEAST(
                NEW.charged_back_cents,
                GREATEST(0, NEW.held_cents - NEW.credit_limit_cents - NEW.balance_cents)
            );
            RETURN NEW;
        """,
    )


def recharge_trigger() -> pgtrigger.Trigger:
    """Wake the payer at the commit of what took the balance below the threshold, or of what set one above it."""
    free, before = "(NEW.balance_cents - NEW.held_cents)", "(OLD.balance_cents - OLD.held_cents)"
    return pgtrigger.Trigger(
        name="notify_recharge",
        when=pgtrigger.After,
        operation=pgtrigger.UpdateOf("balance_cents", "held_cents", "recharge_below_cents"),
        condition=pgtrigger.Condition(
            f"({free} < NEW.recharge_below_cents AND ({before} < OLD.recharge_below_cents) IS NOT TRUE)"
        ),
        func=f"NOTIFY {PAYMENTS_CHANNEL}; RETURN NULL;",
    )


MAX_TERMS_DAYS: Final = 365


class Wallet(models.Model):
    """Integer cents. `balance - held` never falls below `-credit_limit`, except by a chargeback."""

    buyer = models.OneToOneField(Buyer, on_delete=models.PROTECT, related_name="wallet")
    balance_cents = models.BigIntegerField(default=0, editable=False)
    held_cents = models.BigIntegerField(default=0, editable=False)
    credit_limit_cents = models.BigIntegerField(
        default=0,
        validators=[MinValueValidator(0), MaxValueValidator(MAX_CREDIT_LIMIT_CENTS)],
        help_text="How far below $0 the balance may go. To move money, use Top up or Adjust above.",
    )
    notice_below_cents = models.BigIntegerField(
        verbose_name="notice below",
        null=True,
        blank=True,
        help_text="Subscribers to wallet.low hear of it when less than this is available, with the credit limit. "
        "Blank: never.",
    )
    # How far below its limit chargebacks and refunds at the provider have taken the balance.
    charged_back_cents = models.BigIntegerField(db_default=0, default=0, editable=False)
    # The threshold of its automatic recharge while that is active (trigger of Recharge).
    recharge_below_cents = models.BigIntegerField(null=True, blank=True, editable=False)
    terms_days = models.PositiveSmallIntegerField(
        "days to pay",
        null=True,
        blank=True,
        validators=[MaxValueValidator(MAX_TERMS_DAYS)],
        help_text="Net terms: the buyer gets a monthly statement, and pays within this many days. "
        "How much it may owe is the credit limit. Blank: prepaid.",
    )
    # The first month with a statement. It is set with the terms.
    statements_from = models.DateField(null=True, editable=False)
    statement_emails = models.CharField(
        "statements go to",
        max_length=500,
        blank=True,
        default="",
        db_default="",
        validators=[check_addresses],
        help_text="Email addresses, separated by commas. Each statement is sent to them. Blank: to no one.",
    )
    version = models.PositiveBigIntegerField(default=0, editable=False)

    class Meta:
        db_table = "distribution_wallet"
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    balance_cents__gte=F("held_cents") - F("credit_limit_cents") - F("charged_back_cents")
                ),
                name="wallet_not_below_limit",
            ),
            models.CheckConstraint(
                condition=Q(charged_back_cents__gte=0), name="wallet_charged_back_not_negative"
            ),
            models.CheckConstraint(condition=Q(held_cents__gte=0), name="wallet_held_not_negative"),
            models.CheckConstraint(condition=Q(credit_limit_cents__gte=0), name="wallet_limit_not_negative"),
            models.CheckConstraint(
                condition=Q(credit_limit_cents__lte=MAX_CREDIT_LIMIT_CENTS), name="wallet_limit_in_range"
            ),
            models.CheckConstraint(
                condition=Q(terms_days__isnull=True)
                | Q(terms_days__range=(0, MAX_TERMS_DAYS), statements_from__isnull=False),
                name="wallet_terms_fit",
            ),
        ]
        indexes = [
            # Few wallets have one.
            models.Index(
                fields=["id"], condition=Q(recharge_below_cents__isnull=False), name="wallet_recharged"
            )
        ]
        triggers: ClassVar = [
            wallet_trigger(),
            wallet_event(),
            charged_back_trigger(),
            recharge_trigger(),
            owner_trigger(
                "buyer_id", name="wallet", instead="Every buyer has its own wallet. Adjust both balances."
            ),
        ]

    def __str__(self) -> str:
        return f"Wallet of {self.buyer}"


class LedgerKind(models.TextChoices):
    TOPUP = "topup", "top-up"
    CHARGE = "charge", "charge for a lead"
    HOLD = "hold", "hold"
    CAPTURE = "capture", "capture of a hold"
    RELEASE = "release", "release of a hold"
    REFUND = "refund", "refund of a charge"
    ADJUSTMENT = "adjustment", "manual adjustment"
    CARD_REFUND = "cardrefund", "refund to a card"
    CHARGEBACK = "chargeback", "chargeback of a card payment"
    CHARGEBACK_WON = "won_back", "chargeback won back"


# All except charges and holds with their ends, which come with every lead that is sold or asked about.
NOT_OF_SALES: Final = ["topup", "adjustment", "refund", "cardrefund", "chargeback", "won_back"]


def refund_trigger() -> pgtrigger.Trigger:
    """Refuse a refund above what is left of the charge. The sum is read under the wallet's lock, in a new statement."""
    return pgtrigger.Trigger(
        name="refund_within_charge",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        condition=pgtrigger.Condition("(NEW.kind = 'refund' AND NEW.assignment_id IS NOT NULL)"),
        func="""
            PERFORM 1 FROM distribution_wallet WHERE id = NEW.wallet_id FOR NO KEY UPDATE;
            IF NEW.amount_cents > (
                SELECT COALESCE(SUM(-amount_cents), 0) FROM distribution_ledgerentry
                WHERE assignment_id = NEW.assignment_id AND wallet_id = NEW.wallet_id
                    AND kind IN ('charge', 'capture', 'refund')
            ) THEN
                RAISE EXCEPTION 'A refund of % cents is more than what is left of the charge.', NEW.amount_cents
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_refund_within_charge', TABLE = TG_TABLE_NAME;
            END IF;
            RETURN NEW;
        """,
    )


LEDGER_SIDES: Final = [
    (account.value, account.label)
    for account in (Account.REVENUE, Account.CARD_CLEARING, Account.MANUAL_CLEARING)
]


class LedgerEntry(models.Model):
    """One movement of a balance. `amount_cents` is signed. Each cause has its own `idempotency_key`.

    A hold and its release change what is held, not the balance. The capture of a hold changes both.
    `other_account` changes by the opposite amount, so every entry has both sides.
    """

    # No unique index: every sale would pay for it, nothing looks it up, and 122 bits are random.
    public_id = models.UUIDField(db_default=RandomUUID(), editable=False)
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="entries")
    kind = models.CharField(max_length=10, choices=LedgerKind.choices)
    amount_cents = models.BigIntegerField()
    # Almost all entries are of sales, so the default of the database is the account of a sale.
    other_account = models.CharField(
        "other side", max_length=16, choices=LEDGER_SIDES, default=Account.REVENUE, db_default=Account.REVENUE
    )
    balance_after_cents = models.BigIntegerField()
    # Of a hold: it is released then, unless the buyer may have the lead. Empty: held by an older version.
    expires_at = models.DateTimeField("timeout", null=True, blank=True)
    # Of a capture: the rest of its hold, which is free again.
    released_cents = models.BigIntegerField("released", default=0, db_default=0)
    idempotency_key = models.CharField(max_length=255, unique=True)
    assignment = models.ForeignKey(
        "distribution.Assignment", on_delete=models.PROTECT, null=True, blank=True, related_name="entries"
    )
    actor = models.CharField("who", max_length=100)
    reason = models.CharField("why", max_length=200, blank=True)
    # NULL: written by a version without notes, whose form said that the buyer reads the reason.
    buyer_note = models.CharField("shown to the buyer", max_length=200, blank=True, null=True, default="")  # noqa: DJ001
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "distribution_ledgerentry"
        verbose_name_plural = "ledger entries"
        permissions: ClassVar = [("move_large_sums", "Can move large sums")]
        constraints = [
            models.CheckConstraint(
                condition=(
                    Q(kind__in=["topup", "refund", "won_back"], amount_cents__gt=0)
                    | Q(kind__in=["cardrefund", "chargeback"], amount_cents__lt=0)
                    | Q(kind__in=["charge", "capture"], amount_cents__lte=0, assignment__isnull=False)
                    | (Q(kind="adjustment") & ~Q(amount_cents=0))
                    | Q(kind="hold", amount_cents__lte=0, assignment__isnull=False)
                    | Q(kind="release", amount_cents__gte=0, assignment__isnull=False)
                ),
                name="ledger_sign_fits_kind",
            ),
            models.CheckConstraint(
                condition=account_fits_kind(LEDGER_ACCOUNTS), name="ledger_account_fits_kind"
            ),
            models.CheckConstraint(
                condition=Q(expires_at__isnull=True) | Q(kind="hold"), name="ledger_time_out_of_hold"
            ),
            models.CheckConstraint(
                condition=Q(released_cents=0) | Q(kind="capture", released_cents__gt=0),
                name="ledger_released_by_capture",
            ),
            models.UniqueConstraint(
                fields=["assignment"],
                condition=Q(kind__in=["charge", "capture"]),
                name="ledger_one_charge_each",
            ),
            models.UniqueConstraint(
                fields=["assignment"],
                condition=Q(kind__in=["capture", "release"]),
                name="ledger_one_end_of_hold",
            ),
            models.CheckConstraint(condition=~Q(idempotency_key=""), name="ledger_key_not_blank"),
        ]
        indexes = [
            models.Index(fields=["wallet", "-id"], name="ledger_wallet_newest"),
            models.Index(fields=["created_at"], name="ledger_created_at"),
            # Manual movements are rare among the charges: without this index a list of them would read every charge.
            models.Index(
                fields=["kind", "id"], condition=Q(kind__in=NOT_OF_SALES), name="ledger_kind_not_of_sales"
            ),
            # The history of a wallet: few of these among many charges and holds.
            models.Index(
                fields=["wallet", "-id"],
                condition=Q(kind__in=NOT_OF_SALES),
                name="ledger_of_wallet_not_of_sales",
            ),
        ]
        triggers: ClassVar = [
            *append_only_triggers("distribution_ledgerentry"),
            deduct_trigger(),
            refund_trigger(),
            manual_trigger(kinds=("topup", "adjustment"), default=Account.REVENUE),
        ]

    def __str__(self) -> str:
        return f"{capfirst(LedgerKind(self.kind).label)}, {money(self.amount_cents)}"

    @property
    def text_for_buyer(self) -> str:
        """If a person booked it with a note, even an empty one, the reason is for the agency only."""
        is_by_hand = self.other_account == Account.MANUAL_CLEARING
        return self.buyer_note if is_by_hand and self.buyer_note is not None else self.reason

"""What an agency owes its sources: the versions of a source's contract, and the append-only ledger of payables.

A sale writes its entry by trigger, in its own transaction (see payable_triggers). No balance is stored: every sale of a
source would wait for that one row. It is the sum of the source's entries.
"""

from typing import ClassVar, Final

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.text import capfirst

from distribution.models.accounts import PAYABLE_ACCOUNTS, Account, account_fits_kind, manual_trigger
from distribution.models.payable_triggers import never_backwards_trigger
from routing.models import Source
from tracing.models.append_only import append_only_triggers
from tracing.wording import money

MAX_FIXED_CENTS: Final = 10_000_000
WHOLE_SHARE_BPS: Final = 10_000


class ContractPays(models.TextChoices):
    FIXED = "fixed", "fixed amount for each sold lead"
    SHARE = "share", "share of the revenue of each lead"
    NOTHING = "nothing", "nothing"


class SourceContract(models.Model):
    """One version of what a source is paid. It applies to sales from `starts_at` until the next version starts.

    `starts_at` is the start of `valid_from` in the workspace's time zone, or soon after the version was added.
    """

    source = models.ForeignKey(
        Source, on_delete=models.PROTECT, related_name="contracts", db_index=False, editable=False
    )
    pays = models.CharField(max_length=7, choices=ContractPays.choices)
    amount_cents = models.BigIntegerField(
        null=True, blank=True, validators=[MinValueValidator(0), MaxValueValidator(MAX_FIXED_CENTS)]
    )
    share_bps = models.PositiveIntegerField(
        "share in basis points",
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(WHOLE_SHARE_BPS)],
        help_text="100 basis points are 1%.",
    )
    returns_deducted = models.BooleanField("returned leads are deducted", default=True)
    valid_from = models.DateField()
    starts_at = models.DateTimeField(editable=False)
    actor = models.CharField("who", max_length=150, editable=False)
    reason = models.CharField("why", max_length=200, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "distribution_sourcecontract"
        verbose_name = "contract of a source"
        verbose_name_plural = "contracts of sources"
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    pays="fixed",
                    amount_cents__isnull=False,
                    amount_cents__range=(0, MAX_FIXED_CENTS),
                    share_bps__isnull=True,
                )
                | Q(
                    pays="share",
                    share_bps__isnull=False,
                    share_bps__range=(1, WHOLE_SHARE_BPS),
                    amount_cents__isnull=True,
                )
                | Q(pays="nothing", amount_cents__isnull=True, share_bps__isnull=True),
                name="contract_terms_fit",
            )
        ]
        # The newest version that has started is the first entry of a scan.
        indexes = [models.Index(fields=["source", "-starts_at", "-id"], name="contract_in_force")]
        triggers: ClassVar = [
            *append_only_triggers("distribution_sourcecontract"),
            never_backwards_trigger(),
        ]

    def __str__(self) -> str:
        return f"{self.describe_terms()} from {self.valid_from.isoformat()}"

    def describe_terms(self) -> str:
        """What is paid, in words."""
        if self.pays == ContractPays.NOTHING:
            return "Nothing"
        if self.pays == ContractPays.FIXED:
            terms = f"{money(self.amount_cents or 0)} for each sold lead"
        else:
            terms = f"{describe_share(self.share_bps or 0)} of the revenue"
        return terms if self.returns_deducted else f"{terms}, returned leads are paid too"


def describe_share(bps: int) -> str:
    """Basis points as a percentage: 1250 is 12.5%."""
    whole, rest = divmod(bps, 100)
    return f"{whole}.{rest:02d}".rstrip("0").rstrip(".") + "%"


class PayableKind(models.TextChoices):
    EARNED = "earned", "earned by a sale"
    DEDUCTED = "deducted", "deducted for a return"
    ADJUSTMENT = "adjustment", "manual adjustment"
    PAID = "paid", "paid to the source"


PAYABLE_SIDES: Final = [
    (account.value, account.label) for account in (Account.SOURCE_COSTS, Account.MANUAL_CLEARING)
]


class PayableEntry(models.Model):
    """One movement of what is owed to a source. `amount_cents` is signed: what is owed grows or shrinks by it.

    `other_account` changes by the opposite amount, so every entry has both sides.

    Each sale under a contract has one `earned` entry, and each refund of it one `deducted` entry. Both may be 0: a
    second buyer of a lead with a fixed amount earns nothing more.
    """

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="payables", db_index=False)
    kind = models.CharField(max_length=10, choices=PayableKind.choices)
    amount_cents = models.BigIntegerField()
    other_account = models.CharField(
        "other side",
        max_length=16,
        choices=PAYABLE_SIDES,
        default=Account.SOURCE_COSTS,
        db_default=Account.SOURCE_COSTS,
    )
    idempotency_key = models.CharField(max_length=255)
    lead = models.ForeignKey(
        "routing.Lead",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="payables",
        db_index=False,
    )
    assignment = models.ForeignKey(
        "distribution.Assignment",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="payables",
        db_index=False,
    )
    # The version in force at the sale. Its returns are deducted by the same version.
    contract = models.ForeignKey(
        SourceContract,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="payables",
        db_index=False,
    )
    actor = models.CharField("who", max_length=150)
    reason = models.CharField("why", max_length=200, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "distribution_payableentry"
        verbose_name = "payable"
        verbose_name_plural = "payables"
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    Q(kind="earned", amount_cents__gte=0) | Q(kind="deducted", amount_cents__lte=0),
                    lead__isnull=False,
                    assignment__isnull=False,
                    contract__isnull=False,
                )
                | Q(
                    (Q(kind="adjustment") & ~Q(amount_cents=0) & ~Q(reason=""))
                    | Q(kind="paid", amount_cents__lt=0),
                    lead__isnull=True,
                    assignment__isnull=True,
                    contract__isnull=True,
                ),
                name="payable_fits_kind",
            ),
            models.CheckConstraint(
                condition=account_fits_kind(PAYABLE_ACCOUNTS), name="payable_account_fits_kind"
            ),
            models.CheckConstraint(condition=~Q(idempotency_key=""), name="payable_key_not_blank"),
            models.UniqueConstraint(fields=["idempotency_key"], name="payable_key_once"),
            models.UniqueConstraint(
                fields=["assignment"], condition=Q(kind="earned"), name="payable_one_for_each_sale"
            ),
        ]
        # Both sums read the index alone.
        indexes = [
            models.Index(fields=["source", "id"], include=["amount_cents"], name="payable_of_source"),
            models.Index(
                fields=["source", "created_at"],
                include=["kind", "amount_cents", "lead"],
                name="payable_of_period",
            ),
            models.Index(fields=["lead"], condition=Q(lead__isnull=False), name="payable_of_lead"),
            # Payments and adjustments are rare among the sales.
            models.Index(
                fields=["source", "-id"], condition=Q(kind__in=["adjustment", "paid"]), name="payable_by_hand"
            ),
        ]
        triggers: ClassVar = [
            *append_only_triggers("distribution_payableentry"),
            manual_trigger(kinds=("paid",), default=Account.SOURCE_COSTS),
        ]

    def __str__(self) -> str:
        return f"{capfirst(PayableKind(self.kind).label)}, {money(self.amount_cents)}"

"""Buyers' cards at the payment provider, and the automatic recharge of their wallets. No card number is ever stored."""

from typing import ClassVar, Final

import pgtrigger
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.text import capfirst
from uuid6 import uuid7

from distribution.models.buyer import Buyer
from distribution.models.emitting import recharge_event
from distribution.models.money import Wallet
from routing.models import Workspace
from routing.models.ownership import owner_trigger

# Stripe charges at least 50 cents in US dollars. The most is our own limit: ten thousand dollars.
LEAST_PAYMENT_CENTS: Final = 50
MOST_PAYMENT_CENTS: Final = 1_000_000
MOST_TRIES: Final = 5
# The provider's codes of brands that are not their names in lower case.
BRANDS: Final = {
    "amex": "American Express",
    "cartes_bancaires": "Cartes Bancaires",
    "diners": "Diners Club",
    "eftpos_au": "Eftpos Australia",
    "jcb": "JCB",
    "unionpay": "UnionPay",
    "unknown": "Card",
}


class CardCustomer(models.Model):
    """A buyer as the provider knows it: the owner of its cards there."""

    buyer = models.OneToOneField(Buyer, on_delete=models.PROTECT, related_name="card_customer")
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+")
    provider_id = models.CharField(max_length=255, unique=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "distribution_cardcustomer"
        default_permissions = ()
        triggers: ClassVar = [
            owner_trigger("buyer_id", "workspace_id", name="customer", instead="Add a card of the buyer.")
        ]

    def __str__(self) -> str:
        return self.provider_id


class Card(models.Model):
    """A card that payments are taken from. The buyer's current one has no `removed_at`."""

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    buyer = models.ForeignKey(Buyer, on_delete=models.PROTECT, related_name="cards")
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+")
    customer = models.ForeignKey(CardCustomer, on_delete=models.PROTECT, related_name="cards")
    provider_id = models.CharField(max_length=255, unique=True)
    brand = models.CharField(max_length=30)
    last4 = models.CharField("last four digits", max_length=4)
    exp_month = models.PositiveSmallIntegerField()
    exp_year = models.PositiveSmallIntegerField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    removed_at = models.DateTimeField(null=True, blank=True, editable=False)
    # At the provider, after `removed_at`. Until then the payer tries.
    detached_at = models.DateTimeField(null=True, blank=True, editable=False)
    detach_try_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        db_table = "distribution_card"
        default_permissions = ()  # shown on the page of the wallet
        constraints = [
            models.UniqueConstraint(
                fields=["buyer"], condition=Q(removed_at__isnull=True), name="card_one_current_each"
            ),
            models.CheckConstraint(condition=Q(last4__regex=r"^[0-9]{4}$"), name="card_last_four_digits"),
            models.CheckConstraint(
                condition=Q(exp_month__gte=1, exp_month__lte=12), name="card_expires_in_a_month"
            ),
        ]
        indexes = [
            models.Index(
                fields=["removed_at"],
                condition=Q(removed_at__isnull=False, detached_at__isnull=True),
                name="card_to_detach",
            )
        ]
        triggers: ClassVar = [
            owner_trigger("buyer_id", "workspace_id", "customer_id", name="card", instead="Add another card.")
        ]

    def __str__(self) -> str:
        brand = BRANDS.get(self.brand) or capfirst(self.brand)
        return f"{brand} ending in {self.last4}, expires {self.exp_month:02}/{self.exp_year}"


class PauseReason(models.TextChoices):
    """Why automatic recharge waits for the buyer or an operator. Codes are permanent, because rows contain them."""

    DECLINED = "declined", "the card was declined"
    NEEDS_ACTION = "needs_action", "the bank wants the cardholder to confirm the payment"
    NO_CARD = "no_card", "there is no card"
    REFUSED = "refused", "the provider refused the payment"
    NO_ANSWER = "no_answer", "the provider did not answer in time"
    DISPUTED = "disputed", "the cardholder disputed a payment"
    BY_HAND = "by_hand", "paused by an operator"
    BY_BUYER = "by_buyer", "paused by the buyer"


def _cents(verbose_name: str, help_text: str) -> "models.BigIntegerField[int, int]":
    return models.BigIntegerField(
        verbose_name,
        validators=[MinValueValidator(LEAST_PAYMENT_CENTS), MaxValueValidator(100 * MOST_PAYMENT_CENTS)],
        help_text=help_text,
    )


class Recharge(models.Model):
    """Automatic recharge of one wallet. It is active while it is on and not paused.

    The wallet's `recharge_below_cents` is a copy of the threshold while it is active (trigger). Lock the wallet first.
    """

    wallet = models.OneToOneField(Wallet, on_delete=models.PROTECT, related_name="recharge")
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+")
    is_on = models.BooleanField("on", default=False)
    threshold_cents = models.BigIntegerField(
        "threshold",
        validators=[MinValueValidator(0), MaxValueValidator(100 * MOST_PAYMENT_CENTS)],
        help_text="A payment is made when the balance less holds falls below this.",
    )
    amount_cents = models.BigIntegerField(
        "amount",
        validators=[MinValueValidator(LEAST_PAYMENT_CENTS), MaxValueValidator(MOST_PAYMENT_CENTS)],
        help_text="What each payment adds.",
    )
    day_limit_cents = _cents("limit per day", "The most that is recharged in a calendar day of the buyer.")
    week_limit_cents = _cents("limit per week", "The most that is recharged in a week from Monday.")
    month_limit_cents = _cents("limit per month", "The most that is recharged in a calendar month.")
    max_tries = models.PositiveSmallIntegerField(
        "tries",
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_TRIES)],
        help_text="How many declined payments in a row pause it. A payment that must be confirmed pauses it at once.",
    )
    declines = models.PositiveSmallIntegerField("declined in a row", default=0, editable=False)
    not_before = models.DateTimeField(null=True, blank=True, editable=False)
    paused_at = models.DateTimeField(null=True, blank=True, editable=False)
    pause_reason = models.CharField(max_length=20, choices=PauseReason.choices, blank=True, editable=False)

    class Meta:
        db_table = "distribution_recharge"
        verbose_name = "automatic recharge"
        default_permissions = ()  # shown on the page of the wallet
        constraints = [
            models.CheckConstraint(
                condition=Q(threshold_cents__gte=0), name="recharge_threshold_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(amount_cents__gte=LEAST_PAYMENT_CENTS, amount_cents__lte=MOST_PAYMENT_CENTS),
                name="recharge_amount_in_range",
            ),
            models.CheckConstraint(
                condition=Q(day_limit_cents__gte=models.F("amount_cents"))
                & Q(week_limit_cents__gte=models.F("day_limit_cents"))
                & Q(month_limit_cents__gte=models.F("week_limit_cents")),
                name="recharge_limits_in_order",
            ),
            models.CheckConstraint(
                condition=Q(max_tries__gte=1, max_tries__lte=MOST_TRIES), name="recharge_tries_in_range"
            ),
            models.CheckConstraint(
                condition=Q(paused_at__isnull=True, pause_reason="")
                | (Q(paused_at__isnull=False) & ~Q(pause_reason="")),
                name="recharge_pause_has_a_reason",
            ),
        ]
        triggers: ClassVar = [
            owner_trigger(
                "wallet_id", "workspace_id", name="recharge", instead="Change that of the other wallet."
            ),
            recharge_event(),
            pgtrigger.Trigger(
                name="arm_wallet",
                when=pgtrigger.After,
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("is_on", "paused_at", "threshold_cents"),
                func="""
                    UPDATE distribution_wallet SET recharge_below_cents =
                        CASE WHEN NEW.is_on AND NEW.paused_at IS NULL THEN NEW.threshold_cents END
                    WHERE id = NEW.wallet_id;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"Automatic recharge of {self.wallet.buyer}"

    @property
    def is_active(self) -> bool:
        return self.is_on and self.paused_at is None

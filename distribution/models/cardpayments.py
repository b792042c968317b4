"""Payments by card, what was paid back or disputed of them, and the inbox of the provider's webhooks."""

from typing import ClassVar, Final

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from uuid6 import uuid7

from distribution.models.cards import LEAST_PAYMENT_CENTS, MOST_PAYMENT_CENTS, Card
from distribution.models.money import PAYMENTS_CHANNEL, LedgerEntry, Wallet
from routing.models import Workspace
from routing.models.ownership import owner_trigger


class PaymentState(models.TextChoices):
    # the row is committed; the request is not sent, or its answer is not known
    OPEN = "open", "open"
    # open -> processing: the provider has it and has not decided
    PROCESSING = "processing", "processing"
    # open | processing -> needs_action: the bank wants the cardholder to confirm it
    NEEDS_ACTION = "needs_action", "must be confirmed by the cardholder"
    # any except surplus -> succeeded: paid and credited
    SUCCEEDED = "succeeded", "succeeded"
    # open | processing | needs_action -> failed: declined or refused. A late success still credits it.
    FAILED = "failed", "failed"
    # open | needs_action -> canceled: before the cardholder paid. A late success still credits it.
    CANCELED = "canceled", "canceled"
    # the provider took money a second time for one payment. It is not credited, and is paid back.
    SURPLUS = "surplus", "surplus: paid twice, to be paid back"


PENDING: Final = (PaymentState.OPEN, PaymentState.PROCESSING, PaymentState.NEEDS_ACTION)


class PaymentOrigin(models.TextChoices):
    BUYER = "buyer", "bought by the buyer"
    RECHARGE = "recharge", "automatic recharge"
    SURPLUS = "surplus", "taken a second time"


def notify_trigger(name: str, condition: str) -> pgtrigger.Trigger:
    """Tell the payer at the commit that something is due."""
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        condition=pgtrigger.Condition(f"({condition})"),
        func=f"NOTIFY {PAYMENTS_CHANNEL}; RETURN NULL;",
    )


class CardPayment(models.Model):
    """One purchase of credits by card. The row is committed before the request to the provider.

    `public_id` is the idempotency key of every request for it. `next_try_at`: when the payer looks at it again. It is
    also the lease of the payer that works on it.
    """

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+")
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="card_payments")
    card = models.ForeignKey(Card, on_delete=models.PROTECT, related_name="payments")
    origin = models.CharField(max_length=10, choices=PaymentOrigin.choices)
    actor = models.CharField("who", max_length=100)
    amount_cents = models.BigIntegerField()
    state = models.CharField(max_length=20, choices=PaymentState.choices, default=PaymentState.OPEN)
    surplus_of = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="surplus_payments"
    )
    provider_id = models.CharField(
        "payment intent",
        max_length=255,
        null=True,
        blank=True,
        unique=True,
    )
    failure_code = models.CharField(max_length=100, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    next_try_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    ended_at = models.DateTimeField(null=True, blank=True)
    refunded_cents = models.BigIntegerField(default=0)
    # What came back of refunds that failed later. `refunded_cents` does not have it any longer.
    refund_failed_cents = models.BigIntegerField(default=0, db_default=0, editable=False)
    # From the first failure on, the provider's list decides. It is read again at `refund_check_at`.
    has_failed_refund = models.BooleanField(default=False, db_default=False, editable=False)
    refund_check_at = models.DateTimeField(null=True, blank=True, editable=False)
    entry = models.OneToOneField(
        LedgerEntry, on_delete=models.PROTECT, null=True, blank=True, related_name="card_payment"
    )

    class Meta:
        db_table = "distribution_cardpayment"
        verbose_name = "card payment"
        default_permissions = ("view", "change")
        constraints = [
            models.UniqueConstraint(
                fields=["wallet"], condition=Q(state__in=PENDING), name="payment_one_pending_each"
            ),
            models.CheckConstraint(
                condition=Q(amount_cents__gte=LEAST_PAYMENT_CENTS)
                & (Q(amount_cents__lte=MOST_PAYMENT_CENTS) | Q(origin="surplus")),
                name="payment_amount_in_range",
            ),
            models.CheckConstraint(
                condition=Q(state__in=PENDING, next_try_at__isnull=False, ended_at__isnull=True)
                | (~Q(state__in=PENDING) & Q(next_try_at__isnull=True, ended_at__isnull=False)),
                name="payment_pending_is_due",
            ),
            models.CheckConstraint(
                condition=Q(state="succeeded", entry__isnull=False, provider_id__isnull=False)
                | (~Q(state="succeeded") & Q(entry__isnull=True)),
                name="payment_succeeded_is_credited",
            ),
            models.CheckConstraint(
                condition=Q(
                    state="surplus", origin="surplus", surplus_of__isnull=False, provider_id__isnull=False
                )
                | (~Q(state="surplus") & ~Q(origin="surplus") & Q(surplus_of__isnull=True)),
                name="payment_surplus_names_the_first",
            ),
            models.CheckConstraint(
                condition=Q(refunded_cents__gte=0) & Q(refunded_cents__lte=F("amount_cents")),
                name="payment_refunded_in_range",
            ),
            models.CheckConstraint(
                condition=Q(refund_failed_cents__gte=0), name="payment_refund_failed_not_negative"
            ),
        ]
        indexes = [
            models.Index(fields=["wallet", "-id"], name="payment_wallet_newest"),
            models.Index(fields=["next_try_at"], condition=Q(state__in=PENDING), name="payment_due"),
            models.Index(
                fields=["refund_check_at"],
                condition=Q(refund_check_at__isnull=False),
                name="payment_refund_check",
            ),
            models.Index(
                fields=["created_at"],
                condition=Q(state="surplus", refunded_cents__lt=F("amount_cents")),
                name="payment_surplus_unpaid",
            ),
        ]
        triggers: ClassVar = [
            owner_trigger(
                *("wallet_id", "workspace_id", "card_id", "surplus_of_id"),
                name="payment",
                instead="Make another payment.",
            ),
            pgtrigger.Trigger(
                name="success_is_final",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("state", "amount_cents", "provider_id", "entry_id")
                | pgtrigger.Delete,
                condition=pgtrigger.Condition("(OLD.state IN ('succeeded', 'surplus'))"),
                func="""
                    RAISE EXCEPTION 'Card payment % is % and stays so.', OLD.id, OLD.state
                    USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_success_is_final', TABLE = TG_TABLE_NAME;
                """,
            ),
            notify_trigger("notify_payer", "NEW.state = 'open'"),
        ]

    def __str__(self) -> str:
        return f"Card payment {self.public_id}"


class RefundState(models.TextChoices):
    # committed; the request is not sent, or its answer is not known
    OPEN = "open", "open"
    # open -> done: the provider pays it back
    DONE = "done", "done"
    # open -> failed: the provider refused it. done -> failed: the bank sent it back later.
    FAILED = "failed", "failed"


class CardRefund(models.Model):
    """A refund that an operator asked for, or of a payment that was taken twice.

    A refund that somebody made on the provider's own pages has no row here, only its ledger entry.
    """

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+")
    payment = models.ForeignKey(CardPayment, on_delete=models.PROTECT, related_name="refunds")
    amount_cents = models.BigIntegerField()
    state = models.CharField(max_length=10, choices=RefundState.choices, default=RefundState.OPEN)
    provider_id = models.CharField(max_length=255, blank=True)
    failure_code = models.CharField(max_length=100, blank=True)
    actor = models.CharField("who", max_length=100)
    reason = models.CharField("why", max_length=200, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    next_try_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "distribution_cardrefund"
        verbose_name = "card refund"
        default_permissions = ()  # shown on the page of the payment
        constraints = [
            models.UniqueConstraint(
                fields=["payment"], condition=Q(state="open"), name="refund_one_open_each"
            ),
            models.CheckConstraint(condition=Q(amount_cents__gt=0), name="refund_amount_positive"),
            models.CheckConstraint(
                condition=Q(state="open", next_try_at__isnull=False, ended_at__isnull=True)
                | (~Q(state="open") & Q(next_try_at__isnull=True, ended_at__isnull=False)),
                name="refund_open_is_due",
            ),
        ]
        indexes = [models.Index(fields=["next_try_at"], condition=Q(state="open"), name="refund_due")]
        triggers: ClassVar = [
            owner_trigger(
                "payment_id", "workspace_id", name="card refund", instead="Refund the other payment."
            ),
            notify_trigger("notify_payer", "NEW.state = 'open'"),
        ]

    def __str__(self) -> str:
        return f"Card refund {self.public_id}"


class CardDispute(models.Model):
    """A payment that the cardholder disputes at the bank. Its amount is taken once, and given back once if it is won.

    `payment`: null until its payment is known: webhooks come in any order.
    """

    provider_id = models.CharField(max_length=255, unique=True)
    payment_provider_id = models.CharField("payment intent", max_length=255)
    payment = models.ForeignKey(
        CardPayment, on_delete=models.PROTECT, null=True, blank=True, related_name="disputes"
    )
    status = models.CharField(max_length=40)
    reason = models.CharField(max_length=60, blank=True)
    amount_cents = models.BigIntegerField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    taken_at = models.DateTimeField(null=True, blank=True)
    given_back_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "distribution_carddispute"
        verbose_name = "card dispute"
        default_permissions = ()  # shown on the page of the payment
        constraints = [
            models.CheckConstraint(
                condition=Q(given_back_at__isnull=True) | Q(taken_at__isnull=False),
                name="dispute_given_back_was_taken",
            ),
            models.CheckConstraint(
                condition=Q(taken_at__isnull=True) | Q(payment__isnull=False),
                name="dispute_taken_has_payment",
            ),
            models.CheckConstraint(condition=Q(amount_cents__gt=0), name="dispute_amount_positive"),
        ]
        indexes = [models.Index(fields=["payment_provider_id"], name="dispute_of_intent")]
        triggers: ClassVar = [
            owner_trigger(
                "payment_id",
                name="card dispute",
                instead="Find the payment by its payment intent.",
                known_later=True,
            ),
        ]

    def __str__(self) -> str:
        return f"Card dispute {self.provider_id}"


class ProviderEvent(models.Model):
    """A webhook of the provider that was handled, stored together with its effect. Its body is not kept."""

    event_id = models.CharField(max_length=255, primary_key=True)
    kind = models.CharField(max_length=100)
    object_id = models.CharField(max_length=255, blank=True)
    result = models.CharField(max_length=30)
    received_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "distribution_providerevent"
        default_permissions = ()
        indexes = [models.Index(fields=["received_at"], name="providerevent_received")]

    def __str__(self) -> str:
        return f"{self.kind} {self.event_id}"


class PaymentMark(models.Model):
    """How far `reconcile payments` has compared the provider's lists: everything created before it."""

    name = models.CharField(max_length=20, primary_key=True)
    read_until = models.DateTimeField()

    class Meta:
        db_table = "distribution_paymentmark"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.name} up to {self.read_until}"

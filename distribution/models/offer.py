"""Offers: leads that buyers are shown without contact data, and that they may claim or bid for until a time."""

from datetime import timedelta
from typing import ClassVar, Final

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from uuid6 import uuid7

from distribution.models.assignment import Assignment
from distribution.models.buyer import Buyer
from distribution.models.campaign import Campaign
from distribution.models.enrollment import Enrollment
from routing.models import Lead

# After the bid deadline, who asks the buyers has this long to write what they answered. Then the dispatcher closes the
# auction with what is committed.
WRITING: Final = timedelta(milliseconds=250)
# What streams and bidders listen to. The payload is the offer's id.
OFFERS_CHANNEL: Final = "offers"
MAX_CLAIMED_BY_LENGTH: Final = 150


class OfferKind(models.TextChoices):
    PING_POST = "ping_post", "ping post"
    AUCTION = "auction", "auction"


class OfferState(models.TextChoices):
    # attempt -> open
    OPEN = "open", "open"
    # open -> closed: by the last claim, the attempt at `closes_at`, or whatever else ends the lead
    CLOSED = "closed", "closed"


class OfferEnd(models.TextChoices):
    CLAIMED = "claimed", "claimed by as many buyers as may have the lead"
    WINDOW_OVER = "window_over", "the time was over"
    CANCELED = "canceled", "it ended without a decision"
    BIDS_IN = "bids_in", "all bids were in"


class BidOutcome(models.TextChoices):
    BID = "bid", "bid"
    NO_BID = "no_bid", "no bid"
    REFUSED = "refused", "refused"
    LATE = "late", "late"
    TIMEOUT = "timeout", "no answer in time"
    ERROR = "error", "error"
    STANDING = "standing", "standing bid"


def notify_triggers() -> list[pgtrigger.Trigger]:
    """Tell streams and bidders at the commit that an offer opened, was claimed or closed."""
    func = f"PERFORM pg_notify('{OFFERS_CHANNEL}', NEW.id::text); RETURN NULL;"
    return [
        pgtrigger.Trigger(name="notify_on_open", when=pgtrigger.After, operation=pgtrigger.Insert, func=func),
        pgtrigger.Trigger(
            name="notify_on_change",
            when=pgtrigger.After,
            operation=pgtrigger.UpdateOf("state", "claims"),
            condition=pgtrigger.Condition("(NEW.state <> OLD.state OR NEW.claims <> OLD.claims)"),
            func=func,
        ),
    ]


def end_of_offer_trigger() -> pgtrigger.Trigger:
    """A lead that is no longer offered has no open offer, whichever path ends it."""
    return pgtrigger.Trigger(
        name="end_of_offer",
        when=pgtrigger.After,
        operation=pgtrigger.UpdateOf("status"),
        condition=pgtrigger.Condition("(OLD.status = 'offered' AND NEW.status <> 'offered')"),
        func="""
            UPDATE distribution_offer SET state = 'closed', closed_at = clock_timestamp(), end_reason = 'canceled'
            WHERE lead_id = NEW.id AND state = 'open';
            RETURN NULL;
        """,
    )


class Offer(models.Model):
    """A lead that several buyers are shown at once. `partial` is what they see: fields of the lead, never contact data.

    A lead has one open offer at most, and is `offered` exactly while it has one. `max_buyers`: how many buyers may
    claim it. `passed_campaign_ids`: the campaigns whose offers of this lead ended unclaimed just before.
    """

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    kind = models.CharField(max_length=10, choices=OfferKind.choices)
    lead = models.ForeignKey(Lead, on_delete=models.PROTECT, related_name="offers")
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="offers")
    attempt_id = models.UUIDField(help_text="The attempt that opened it.")
    opened_at = models.DateTimeField()
    closes_at = models.DateTimeField()
    state = models.CharField(
        max_length=6, choices=OfferState.choices, default=OfferState.OPEN, db_default=OfferState.OPEN
    )
    closed_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(
        "why it closed", max_length=12, choices=OfferEnd.choices, blank=True, default="", db_default=""
    )
    max_buyers = models.PositiveIntegerField("buyers at most")
    claims = models.PositiveIntegerField(default=0, db_default=0)
    partial = models.JSONField("shown fields", default=dict, db_default={})
    reserve_cents = models.PositiveBigIntegerField("reserve", null=True, blank=True)
    passed_campaign_ids = ArrayField(models.BigIntegerField(), default=list, db_default=[], editable=False)

    class Meta:
        db_table = "distribution_offer"
        constraints = [
            models.UniqueConstraint(
                fields=["lead"], condition=Q(state=OfferState.OPEN), name="offer_one_open_of_lead"
            ),
            models.CheckConstraint(
                condition=Q(state=OfferState.OPEN, closed_at__isnull=True, end_reason="")
                | (Q(state=OfferState.CLOSED, closed_at__isnull=False) & ~Q(end_reason="")),
                name="offer_closed_at_iff_closed",
            ),
            models.CheckConstraint(
                condition=Q(claims__lte=F("max_buyers")), name="offer_claims_within_buyers"
            ),
            models.CheckConstraint(
                condition=Q(state=OfferState.CLOSED) | Q(claims__lt=F("max_buyers")),
                name="offer_open_has_room",
            ),
        ]
        indexes = [
            models.Index(fields=["closes_at"], condition=Q(state=OfferState.OPEN), name="offer_open"),
            # Streams ask what closed lately.
            models.Index(fields=["closed_at"], condition=Q(state=OfferState.CLOSED), name="offer_closed"),
        ]
        triggers: ClassVar = notify_triggers()

    def __str__(self) -> str:
        return str(self.public_id)


class OfferBuyer(models.Model):
    """One buyer of one offer: what it was shown and when, whether it claimed or bid, and by how much it was late.

    `enrollment` has no database foreign key: an enrollment without sales can be deleted.
    """

    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, related_name="buyers", db_index=False)
    # offerbuyer_feed serves the foreign key as well.
    buyer = models.ForeignKey(Buyer, on_delete=models.PROTECT, related_name="offers", db_index=False)
    enrollment = models.ForeignKey(
        Enrollment,
        on_delete=models.DO_NOTHING,
        related_name="offers",
        db_index=False,
        db_constraint=False,
    )
    tier_position = models.PositiveIntegerField("tier")
    price_cents = models.PositiveBigIntegerField("price", null=True, blank=True)
    visible_at = models.DateTimeField("shown from")
    claimed_at = models.DateTimeField(null=True, blank=True)
    claimed_by = models.CharField(
        max_length=MAX_CLAIMED_BY_LENGTH,
        blank=True,
        default="",
        db_default="",
        help_text="The key or the person that claimed it, as in the audit log.",
    )
    assignment = models.OneToOneField(
        Assignment, on_delete=models.PROTECT, null=True, blank=True, related_name="offer"
    )
    lost_at = models.DateTimeField("refused at", null=True, blank=True)
    late_ms = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="How much later than the last claim, or the end, its claim came."
    )
    lost_reason = models.CharField("refused because", max_length=50, blank=True, default="", db_default="")
    lost_gates = models.JSONField(
        "gates that refused it", default=list, blank=True, db_default=[], help_text="As a skipped buyer's."
    )
    asked_at = models.DateTimeField(null=True, blank=True)
    bid_cents = models.PositiveBigIntegerField("bid", null=True, blank=True)
    bid_at = models.DateTimeField(null=True, blank=True)
    bid_outcome = models.CharField(
        max_length=10, choices=BidOutcome.choices, blank=True, default="", db_default=""
    )
    bid_reason = models.CharField(max_length=200, blank=True, default="", db_default="")
    bid_id = models.CharField("buyer's id of the bid", max_length=200, blank=True, default="", db_default="")
    returned_bps = models.PositiveIntegerField(
        "returned leads",
        default=0,
        db_default=0,
        help_text="The share of its leads that the buyer had returned in 30 days, in hundredths of a percent.",
    )
    latency_ms = models.PositiveIntegerField(null=True, blank=True)
    rank = models.PositiveIntegerField(null=True, blank=True)
    rank_value_cents = models.BigIntegerField("rank value", null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "distribution_offerbuyer"
        constraints = [
            models.UniqueConstraint(fields=["offer", "buyer"], name="offerbuyer_once"),
            models.CheckConstraint(
                condition=Q(claimed_at__isnull=True) | Q(assignment__isnull=False),
                name="offerbuyer_claim_has_sale",
            ),
            models.CheckConstraint(
                condition=Q(lost_at__isnull=True, lost_reason="")
                | (Q(lost_at__isnull=False) & ~Q(lost_reason="")),
                name="offerbuyer_lost_has_reason",
            ),
        ]
        indexes = [
            models.Index(fields=["buyer", "id"], name="offerbuyer_feed"),
            # A buyer asks what it claimed: few of those that it was shown.
            models.Index(
                fields=["buyer", "id"], condition=Q(claimed_at__isnull=False), name="offerbuyer_claimed"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.offer_id} to {self.buyer_id}"


class Bids(models.Manager["Bid"]):
    def get_queryset(self) -> "models.QuerySet[Bid]":
        return super().get_queryset().filter(offer__kind=OfferKind.AUCTION)


class Bid(OfferBuyer):
    """One buyer of one auction. It has no table of its own."""

    objects: ClassVar[Bids] = Bids()

    class Meta:
        proxy = True
        default_permissions = ()  # who may see offers sees these
        verbose_name = "bid"


class LeadWithOffers(Lead):
    """Adds the trigger that ends offers to leads: routing knows no offers."""

    class Meta:
        proxy = True
        default_permissions = ()
        triggers: ClassVar = [end_of_offer_trigger()]

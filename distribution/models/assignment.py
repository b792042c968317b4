"""A lead sold to a buyer, or offered to its system while the price is held."""

from datetime import datetime
from typing import ClassVar, Final

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from uuid6 import uuid7

from distribution.models.buyer import Buyer
from distribution.models.campaign import Campaign
from distribution.models.counting import count_by_date_trigger
from distribution.models.emitting import assignment_events
from distribution.models.enrollment import Enrollment
from distribution.models.payable_triggers import earn_triggers
from distribution.models.waking import assignment_trigger
from routing.models import Lead
from routing.models.ownership import owner_trigger, test_flag_trigger


class AssignmentState(models.TextChoices):
    # engine -> sold
    SOLD = "sold", "sold"
    # engine -> held: the price is held until the buyer's system answers; -> sold | rejected
    HELD = "held", "waiting for the buyer's system"
    # held -> rejected: the buyer's system rejected the lead, and the price is no longer held
    REJECTED = "rejected", "rejected by the buyer's system"
    # sold -> returned: the charge was refunded in full
    RETURNED = "returned", "returned"


# The states in which a buyer has the lead, or may still get it.
LIVE: Final = ("sold", "held")


class Assignment(models.Model):
    """At most one live assignment (`sold` or `held`) exists for a lead and buyer.

    `counted_on` is the buyer's calendar date whose caps and budgets count it, even if the buyer's time zone changes
    later. `is_counted` is false after a return or a rejection restored them. A test sale has its price, charged nothing
    and is never counted.
    """

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    lead = models.ForeignKey(Lead, on_delete=models.PROTECT, related_name="assignments")
    # assignment_buyer serves the foreign key as well.
    buyer = models.ForeignKey(Buyer, on_delete=models.PROTECT, related_name="assignments", db_index=False)
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="assignments")
    # The database archives an enrollment with sales instead of deleting it. NULL: deleted before it did so.
    enrollment = models.ForeignKey(
        Enrollment, on_delete=models.DO_NOTHING, null=True, related_name="assignments", db_index=False
    )
    attempt_id = models.UUIDField()
    price_cents = models.PositiveBigIntegerField()
    state = models.CharField(max_length=10, choices=AssignmentState.choices, default=AssignmentState.SOLD)
    created_at = models.DateTimeField(db_default=Now())
    returned_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="When the buyer's system accepted or rejected the lead.",
    )
    reject_reason = models.CharField(
        max_length=200,
        blank=True,
        db_default="",
        editable=False,
        help_text="The buyer's own words, without personal data.",
    )
    # The latest sale of the pair at the return or rejection, read under the lock: later sales do not count this one.
    returned_after = models.BigIntegerField(null=True, editable=False)
    counted_on = models.DateField(null=True, editable=False)
    is_counted = models.BooleanField(default=True, db_default=True, editable=False)
    is_test = models.BooleanField("test", default=False, db_default=False, editable=False)

    class Meta:
        db_table = "distribution_assignment"
        constraints = [
            models.UniqueConstraint(
                fields=["lead", "buyer"], condition=Q(state__in=LIVE), name="assignment_lead_buyer_once"
            ),
            models.CheckConstraint(
                condition=Q(state__in=[*LIVE, "rejected"], returned_at__isnull=True)
                | Q(state="returned", returned_at__isnull=False),
                name="assignment_returned_at_iff_returned",
            ),
            models.CheckConstraint(
                condition=Q(counted_on__isnull=False), name="assignment_counted_on_a_date"
            ),
            models.CheckConstraint(
                condition=Q(is_counted=True) | ~Q(state__in=LIVE) | Q(is_test=True),
                name="assignment_real_sale_is_counted",
            ),
            models.CheckConstraint(
                condition=Q(is_test=False) | Q(is_counted=False), name="assignment_test_is_not_counted"
            ),
            models.CheckConstraint(
                condition=~Q(state="held", settled_at__isnull=False)
                & ~Q(state="rejected", settled_at__isnull=True),
                name="assignment_settled_at_fits_state",
            ),
        ]
        indexes = [
            models.Index(fields=["buyer", "id"], name="assignment_buyer"),
            models.Index(
                fields=["buyer", "id"],
                condition=Q(state=AssignmentState.RETURNED),
                name="assignment_returned",
            ),
            models.Index(fields=["id"], condition=Q(is_test=True), name="assignment_test"),
            models.Index(fields=["enrollment", "-created_at"], name="assignment_enrollment_newest"),
            # Open holds: few at a time among all sales.
            models.Index(fields=["id"], condition=Q(state="held"), name="assignment_held"),
        ]
        triggers: ClassVar = [
            count_by_date_trigger(),
            assignment_trigger(),
            *earn_triggers(),
            *assignment_events(),
            owner_trigger(
                *("lead_id", "buyer_id", "campaign_id"),
                name="assignment",
                instead="Return it and sell the lead again.",
            ),
            test_flag_trigger(name="assignment"),
        ]

    def __str__(self) -> str:
        return str(self.public_id)

    @property
    def charged_at(self) -> datetime:
        """When the buyer got a sold lead: a direct post may have been accepted days after its price was held."""
        return self.settled_at or self.created_at

    @property
    def sold_at(self) -> datetime | None:
        """None: it is held or was rejected. A returned lead was sold before."""
        was_sold = self.state in (AssignmentState.SOLD, AssignmentState.RETURNED)
        return self.charged_at if was_sold else None

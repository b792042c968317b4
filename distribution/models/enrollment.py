"""Enrollments: the places of buyers in campaigns."""

from typing import ClassVar

import pgtrigger
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from distribution.configuration.checks import check_answers_fit, check_standing_bids
from distribution.engine.limits import MAX_BUDGET_CENTS, MAX_MARGIN_BPS, MAX_PRICE_CENTS
from distribution.models.buyer import Buyer
from distribution.models.campaign import Campaign
from distribution.models.counting import archive_trigger, continue_counters_trigger
from distribution.models.emitting import enrollment_event
from distribution.models.pausing import ended_pauses_index, pause_constraint
from distribution.models.tier import Tier
from distribution.models.versioning import buyer_holds_still_trigger, parent_version_triggers
from distribution.models.waking import enrollment_triggers
from routing.models.ownership import owner_trigger
from routing.validators import check_condition

ENROLLMENT_CONFIG = (
    "campaign_id",
    "tier_id",
    "buyer_id",
    "active",
    "weight",
    "priority",
    "bid_cents",
    "margin_bps",
    "standing_bids",
    "lead_filter",
    "cap_hour",
    "cap_day",
    "cap_week",
    "cap_month",
    "budget_hour_cents",
    "budget_day_cents",
    "budget_week_cents",
    "budget_month_cents",
    "paused_at",
    "paused_until",
    "archived_at",
)
MAX_WEIGHT = 1000
PERIODS = ("hour", "day", "week", "month")
# NULL passes: a check constraint fails only when it is false.
AMOUNTS_IN_RANGE = Q(
    ("bid_cents__lte", MAX_PRICE_CENTS),
    *((f"budget_{period}_cents__lte", MAX_BUDGET_CENTS) for period in PERIODS),
)


class LiveEnrollments(models.Manager["Enrollment"]):
    """Enrollments that are not archived. Archived ones buy nothing."""

    def get_queryset(self) -> "models.QuerySet[Enrollment]":
        return super().get_queryset().filter(archived_at__isnull=True)


class Enrollment(models.Model):
    """A buyer in a campaign's tier, with its filter, limits and counters.

    A buyer is enrolled only once in a campaign, so an attempt has one result for it.

    The columns below `last_assigned_at` are counters. Only the distributor writes them, under the row's lock. They
    count by `counted_on`, the buyer's calendar date of its latest sale, and by that date's week and month.

    Deleting an enrollment with sales archives it. A new one for the same pair continues its counters
    (distribution.models.counting).
    """

    campaign = models.ForeignKey(
        Campaign,
        on_delete=models.CASCADE,
        related_name="enrollments",
        help_text="The campaign that sends leads to this buyer. Add the campaign and a tier first.",
    )
    tier = models.ForeignKey(
        Tier,
        on_delete=models.PROTECT,
        related_name="enrollments",
        help_text="A tier of the campaign above. Buyers in the tier with the lowest position are offered a lead first.",
    )
    buyer = models.ForeignKey(
        Buyer,
        on_delete=models.PROTECT,
        related_name="enrollments",
        help_text="A buyer in the campaign's workspace. A buyer can be enrolled once in each campaign.",
    )
    active = models.BooleanField(
        default=True, help_text="If unchecked, this buyer gets no leads from this campaign."
    )
    weight = models.PositiveIntegerField(
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_WEIGHT)],
        help_text='Its share in campaigns with the mode "weighted". Weight 2 gets twice as many leads as weight 1.',
    )
    priority = models.IntegerField(
        default=0,
        help_text='In campaigns with the mode "priority", the highest number is offered the lead first.',
    )
    bid_cents = models.PositiveBigIntegerField(
        null=True,
        blank=True,
        validators=[MaxValueValidator(MAX_PRICE_CENTS)],
        help_text="What this buyer pays for a lead. Blank: the tier's or campaign's price. In an auction: what it bids "
        "for a lead that no standing bid fits. Blank: no bid.",
    )
    margin_bps = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MaxValueValidator(MAX_MARGIN_BPS)],
        help_text="The agency's margin on this buyer's bids in auctions, in hundredths of a percent. "
        "Blank: the campaign's.",
    )
    standing_bids = models.JSONField(
        default=list,
        db_default=[],
        blank=True,
        validators=[check_standing_bids],
        help_text="What this buyer bids in auctions without being asked: the first rule that the lead meets, e.g. "
        '[{"when": {"field": "state", "op": "eq", "value": "GA"}, "bid_cents": 4500}]. Otherwise the bid above. '
        "Empty: the bid above for every lead.",
    )
    lead_filter = models.JSONField(
        default=dict,
        blank=True,
        validators=[check_condition],
        help_text='Which leads this buyer wants, e.g. {"field": "state", "op": "in", "value": ["GA", "AL"]}. '
        "Empty: every lead.",
    )
    cap_hour = models.PositiveIntegerField(
        verbose_name="leads per hour",
        null=True,
        blank=True,
        help_text="Leads per hour. Blank: no cap. 0: no leads.",
    )
    cap_day = models.PositiveIntegerField(
        verbose_name="leads per day",
        null=True,
        blank=True,
        help_text="Leads per day, in the buyer's time zone. Blank: no cap.",
    )
    cap_week = models.PositiveIntegerField(
        verbose_name="leads per week",
        null=True,
        blank=True,
        help_text="Leads per week, starting Monday. Blank: no cap.",
    )
    cap_month = models.PositiveIntegerField(
        verbose_name="leads per month",
        null=True,
        blank=True,
        help_text="Leads per calendar month. Blank: no cap.",
    )
    budget_hour_cents = models.PositiveBigIntegerField(
        verbose_name="budget per hour",
        null=True,
        blank=True,
        validators=[MaxValueValidator(MAX_BUDGET_CENTS)],
        help_text="Most it spends per hour. Blank: limited only by its wallet.",
    )
    budget_day_cents = models.PositiveBigIntegerField(
        verbose_name="budget per day",
        null=True,
        blank=True,
        validators=[MaxValueValidator(MAX_BUDGET_CENTS)],
        help_text="Most it spends per day. Blank: limited only by its wallet.",
    )
    budget_week_cents = models.PositiveBigIntegerField(
        verbose_name="budget per week",
        null=True,
        blank=True,
        validators=[MaxValueValidator(MAX_BUDGET_CENTS)],
        help_text="Most it spends per week. Blank: limited only by its wallet.",
    )
    budget_month_cents = models.PositiveBigIntegerField(
        verbose_name="budget per month",
        null=True,
        blank=True,
        validators=[MaxValueValidator(MAX_BUDGET_CENTS)],
        help_text="Most it spends per calendar month. Blank: limited only by its wallet.",
    )
    paused_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="The buyer paused its leads from this campaign. Active is the agency's own switch.",
    )
    paused_until = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="When the buyer's pause ends by itself. Blank: when the buyer resumes.",
    )

    last_assigned_at = models.DateTimeField(null=True, editable=False)
    virtual_finish = models.BigIntegerField(default=0, editable=False)
    counted_on = models.DateField(null=True, editable=False)
    hour_starts_at = models.DateTimeField(null=True, editable=False)
    hour_leads = models.PositiveIntegerField(default=0, editable=False)
    hour_spent_cents = models.PositiveBigIntegerField(default=0, editable=False)
    day_leads = models.PositiveIntegerField(default=0, editable=False)
    day_spent_cents = models.PositiveBigIntegerField(default=0, editable=False)
    week_leads = models.PositiveIntegerField(default=0, editable=False)
    week_spent_cents = models.PositiveBigIntegerField(default=0, editable=False)
    month_leads = models.PositiveIntegerField(default=0, editable=False)
    month_spent_cents = models.PositiveBigIntegerField(default=0, editable=False)
    archived_at = models.DateTimeField(null=True, editable=False)

    objects: ClassVar[LiveEnrollments] = LiveEnrollments()
    everything: ClassVar[models.Manager["Enrollment"]] = models.Manager()

    class Meta:
        db_table = "distribution_enrollment"
        # Assignments refer to archived enrollments too.
        base_manager_name = "everything"
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "buyer"],
                condition=Q(archived_at__isnull=True),
                name="enrollment_live_campaign_buyer_unique",
                violation_error_message="This buyer is already enrolled in this campaign.",
            ),
            models.CheckConstraint(
                condition=Q(weight__gte=1, weight__lte=MAX_WEIGHT), name="enrollment_weight_in_range"
            ),
            models.CheckConstraint(condition=AMOUNTS_IN_RANGE, name="enrollment_amounts_in_range"),
            models.CheckConstraint(
                condition=Q(margin_bps__lte=MAX_MARGIN_BPS), name="enrollment_margin_in_range"
            ),
            pause_constraint("enrollment"),
        ]
        indexes = [ended_pauses_index("enrollment")]
        triggers: ClassVar = [
            buyer_holds_still_trigger(),
            *parent_version_triggers(ENROLLMENT_CONFIG),
            owner_trigger(
                *("campaign_id", "buyer_id"),
                name="enrollment",
                instead="Delete it or uncheck Active, and enroll the buyer in the other campaign.",
            ),
            *enrollment_triggers(),
            enrollment_event(),
            archive_trigger(),
            continue_counters_trigger(),
            pgtrigger.Trigger(
                name="same_campaign_and_workspace",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("campaign_id", "tier_id", "buyer_id"),
                func="""
                    IF NOT EXISTS (
                        SELECT 1 FROM distribution_tier t
                        JOIN distribution_campaign c ON c.id = t.campaign_id
                        JOIN distribution_buyer b ON b.workspace_id = c.workspace_id
                        WHERE t.id = NEW.tier_id AND c.id = NEW.campaign_id AND b.id = NEW.buyer_id
                    ) THEN
                        RAISE EXCEPTION 'An enrollment needs a tier of its campaign and a buyer of the same workspace.'
                        USING ERRCODE = 'check_violation', CONSTRAINT = 'enrollment_same_campaign_and_workspace';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.buyer.name} in {self.campaign}"

    def clean(self) -> None:
        errors = {}
        if self.tier_id and self.tier.campaign_id != self.campaign_id:
            errors["tier"] = "This tier belongs to another campaign. Choose a tier of the campaign above."
        if self.buyer_id and self.campaign_id and self.buyer.workspace_id != self.campaign.workspace_id:
            errors["buyer"] = (
                "This buyer is in a different workspace than the campaign. Choose a buyer in the campaign's workspace."
            )
        elif self.buyer_id and self.campaign_id:
            try:
                check_answers_fit(self.buyer.answers, questions=self.campaign.questions)
            except ValidationError as error:
                errors["buyer"] = f"Its answers do not fit the campaign's questions: {error.messages[0]}"
        if errors:
            raise ValidationError(errors)

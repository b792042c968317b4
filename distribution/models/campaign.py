"""How leads of one vertical are sold."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from uuid6 import uuid7

from distribution.configuration.checks import (
    check_answers_fit,
    check_hours,
    check_price_rules,
    check_questions,
    check_timezone,
)
from distribution.configuration.offer_fields import check_offer_fields
from distribution.engine.limits import (
    MAX_BID_DEADLINE_MS,
    MAX_BUYERS_PER_LEAD,
    MAX_MARGIN_BPS,
    MAX_OFFER_SECONDS,
    MAX_POST_DEADLINE_SECONDS,
    MAX_PRICE_CENTS,
    MAX_UNVERIFIED_PERCENT,
    MIN_BID_DEADLINE_MS,
    MIN_OFFER_SECONDS,
)
from distribution.models.campaign_modes import (
    OFFERING,
    PUSH_MODES,
    CampaignMode,
    ConsentProof,
    OfferFallback,
    SellsOn,
    UnverifiedEnd,
    VerificationNeed,
)
from distribution.models.versioning import own_version_trigger
from distribution.models.waking import campaign_trigger
from routing.models import Source, Workspace
from routing.models.ownership import owner_trigger
from routing.validators import check_vertical

CAMPAIGN_CONFIG = (
    "active",
    "mode",
    "vertical",
    "source_id",
    "priority",
    "price_cents",
    "price_rules",
    "max_buyers",
    "sells_on",
    "post_deadline_seconds",
    "offer_seconds",
    "offer_fields",
    "offer_fallback",
    "fallback_mode",
    "bid_deadline_ms",
    "reserve_cents",
    "margin_bps",
    "penalizes_returns",
    "verification",
    "consent_kind",
    "unverified_end",
    "unverified_percent",
    "timezone",
    "schedule",
    "questions",
)


class Campaign(models.Model):
    """A database trigger raises `config_version` with every change that a decision could notice."""

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    workspace = models.ForeignKey(
        Workspace,
        on_delete=models.PROTECT,
        related_name="campaigns",
        help_text="The workspace whose leads this campaign sells. Buyers in this workspace can be enrolled.",
    )
    name = models.CharField(
        max_length=100,
        help_text="Unique in its workspace. Next: add a tier and enroll buyers in it.",
    )
    vertical = models.CharField(
        max_length=50,
        blank=True,
        validators=[check_vertical],
        help_text="E.g. roofing, spelled as in the leads. Blank: any vertical. A campaign that names the vertical is "
        "preferred.",
    )
    source = models.ForeignKey(
        Source,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="campaigns",
        help_text="Blank: any source. A campaign that names the source is preferred.",
    )
    priority = models.IntegerField(
        default=0,
        help_text="If several campaigns match equally well, the highest priority wins.",
    )
    active = models.BooleanField(
        default=True,
        help_text="If unchecked, this campaign takes no leads. Uncheck it instead of deleting the campaign.",
    )
    mode = models.CharField(
        max_length=20,
        choices=CampaignMode.choices,
        default=CampaignMode.ROUND_ROBIN,
        help_text="Which buyer in a tier is offered a lead first. Weight, priority and bid are set on each enrollment.",
    )
    price_cents = models.PositiveBigIntegerField(
        validators=[MaxValueValidator(MAX_PRICE_CENTS)],
        help_text="Price of a lead, unless a tier, price rule or bid sets another.",
    )
    price_rules = models.JSONField(
        default=list,
        blank=True,
        validators=[check_price_rules],
        help_text="Applied in order, each with one of set_cents, add_cents and percent, e.g. "
        '[{"when": {"field": "state", "op": "eq", "value": "GA"}, "percent": 120}]. Empty: one price for all.',
    )
    max_buyers = models.PositiveIntegerField(
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_BUYERS_PER_LEAD)],
        help_text="1: exclusive. More: shared by up to this many buyers.",
    )
    sells_on = models.CharField(
        max_length=10,
        choices=SellsOn.choices,
        default=SellsOn.DECISION,
        db_default=SellsOn.DECISION,
        help_text="Acceptance: the price is held while the buyer's system is asked. If it rejects the lead, the next "
        "buyer is asked at once. A sale by hand is always charged at once.",
    )
    post_deadline_seconds = models.PositiveIntegerField(
        default=60,
        db_default=60,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_POST_DEADLINE_SECONDS)],
        help_text="Seconds after the first buyer's system was asked in which a further buyer may be asked. Used only "
        "if the campaign sells on acceptance.",
    )
    offer_seconds = models.PositiveIntegerField(
        default=60,
        db_default=60,
        validators=[MinValueValidator(MIN_OFFER_SECONDS), MaxValueValidator(MAX_OFFER_SECONDS)],
        help_text="Seconds in which buyers can claim a lead. Used only if the mode is ping post.",
    )
    offer_fields = ArrayField(
        models.CharField(max_length=100),
        default=list,
        db_default=[],
        blank=True,
        validators=[check_offer_fields],
        help_text="What buyers see of a lead before they claim it: zip, zip3 (its first three digits), city, county, "
        "state, country, vertical and attributes, e.g. zip3, state, attributes.roof_age. Contact data is never shown.",
    )
    offer_fallback = models.CharField(
        max_length=20,
        choices=OfferFallback.choices,
        default=OfferFallback.PUSH,
        db_default=OfferFallback.PUSH,
        help_text="What happens to a lead that nobody claims.",
    )
    fallback_mode = models.CharField(
        max_length=20,
        choices=PUSH_MODES,
        default=CampaignMode.ROUND_ROBIN,
        db_default=CampaignMode.ROUND_ROBIN,
        help_text="Which buyer in a tier is first when a lead that nobody claimed is pushed.",
    )
    bid_deadline_ms = models.PositiveIntegerField(
        default=1_000,
        db_default=1_000,
        validators=[MinValueValidator(MIN_BID_DEADLINE_MS), MaxValueValidator(MAX_BID_DEADLINE_MS)],
        help_text="Milliseconds in which buyers' systems can bid. Used only if the mode is auction.",
    )
    reserve_cents = models.PositiveBigIntegerField(
        null=True,
        blank=True,
        validators=[MaxValueValidator(MAX_PRICE_CENTS)],
        help_text="The lowest bid that wins. Blank: any bid. Used only if the mode is auction.",
    )
    margin_bps = models.PositiveIntegerField(
        default=0,
        db_default=0,
        validators=[MaxValueValidator(MAX_MARGIN_BPS)],
        help_text="The agency's margin, in hundredths of a percent of a bid. Bids rank by what is left. Used only if "
        "the mode is auction.",
    )
    penalizes_returns = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Bids of buyers that return many leads rank lower. Used only if the mode is auction.",
    )
    shows_price_to_win = models.BooleanField(
        default=False,
        db_default=False,
        help_text="A buyer that lost an auction can read what it would have had to bid, never who won. Used only if "
        "the mode is auction.",
    )
    verification = models.CharField(
        max_length=14,
        choices=VerificationNeed.choices,
        default=VerificationNeed.NONE,
        db_default=VerificationNeed.NONE,
        help_text="Whether the person must be verified by a call before the lead is sold or offered. It needs a "
        "channel in the workspace.",
    )
    consent_kind = models.CharField(
        "proof of consent",
        max_length=8,
        choices=ConsentProof.choices,
        default=ConsentProof.TOKEN,
        db_default=ConsentProof.TOKEN,
        help_text="The proof with which a lead needs no call. Used only if verification is required without proof.",
    )
    unverified_end = models.CharField(
        "if not verified",
        max_length=6,
        choices=UnverifiedEnd.choices,
        default=UnverifiedEnd.FAIL,
        db_default=UnverifiedEnd.FAIL,
        help_text="What happens to a lead whose person could not be reached, or not be called. A person who declines "
        "always ends it as failed.",
    )
    unverified_percent = models.PositiveIntegerField(
        "price if not verified",
        default=100,
        db_default=100,
        validators=[MaxValueValidator(MAX_UNVERIFIED_PERCENT)],
        help_text="Percent of the price at which such a lead is sold. Bids in auctions are not changed.",
    )
    timezone = models.CharField(
        verbose_name="time zone",
        max_length=50,
        default="America/New_York",
        validators=[check_timezone],
        help_text="The time zone of the schedule below: an IANA name, e.g. America/Chicago.",
    )
    schedule = models.JSONField(
        default=dict,
        blank=True,
        validators=[check_hours],
        help_text='Hours during which leads are sold: {"mon": [["09:00", "17:00"]], …}. Empty: always.',
    )
    questions = models.JSONField(
        default=list,
        blank=True,
        validators=[check_questions],
        help_text="Questions for buyers. Each answer is compared with the lead, e.g. "
        '[{"key": "types", "field": "attributes.property_type", "op": "in", "required": true}]. '
        "Next: enter each buyer's answers. Empty: no questions.",
    )
    returns_restore_caps = models.BooleanField(
        default=False,
        help_text="Returned leads no longer count toward the buyer's caps and budgets. The buyer gets its turn back.",
    )
    config_version = models.PositiveBigIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "distribution_campaign"
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="campaign_workspace_name_unique"),
            models.CheckConstraint(condition=Q(max_buyers__gte=1), name="campaign_max_buyers_positive"),
            models.CheckConstraint(
                condition=Q(
                    price_cents__lte=MAX_PRICE_CENTS,
                    max_buyers__lte=MAX_BUYERS_PER_LEAD,
                ),
                name="campaign_amounts_in_range",
            ),
            models.CheckConstraint(
                condition=Q(
                    post_deadline_seconds__gte=1, post_deadline_seconds__lte=MAX_POST_DEADLINE_SECONDS
                ),
                name="campaign_post_deadline_in_range",
            ),
            models.CheckConstraint(
                condition=Q(
                    offer_seconds__gte=MIN_OFFER_SECONDS,
                    offer_seconds__lte=MAX_OFFER_SECONDS,
                    bid_deadline_ms__gte=MIN_BID_DEADLINE_MS,
                    bid_deadline_ms__lte=MAX_BID_DEADLINE_MS,
                    margin_bps__lte=MAX_MARGIN_BPS,
                )
                & (Q(reserve_cents__isnull=True) | Q(reserve_cents__lte=MAX_PRICE_CENTS)),
                name="campaign_offers_in_range",
            ),
            models.CheckConstraint(
                condition=Q(unverified_percent__lte=MAX_UNVERIFIED_PERCENT),
                name="campaign_unverified_percent_in_range",
            ),
        ]
        indexes = [
            models.Index(fields=["workspace", "vertical"], condition=Q(active=True), name="campaign_resolve"),
        ]
        triggers: ClassVar = [
            own_version_trigger(CAMPAIGN_CONFIG),
            campaign_trigger(),
            owner_trigger(
                "workspace_id",
                name="campaign",
                instead="Uncheck Active and add a campaign to the other workspace.",
            ),
        ]

    def __str__(self) -> str:
        """Names are unique only within a workspace."""
        return f"{self.name} ({self.workspace})"

    @property
    def push_mode(self) -> str:
        """How it ranks buyers when it sells at once."""
        return self.fallback_mode if self.mode in OFFERING else self.mode

    def clean(self) -> None:
        if self.mode == CampaignMode.PING_POST and not self.offer_fields:
            raise ValidationError(
                {
                    "offer_fields": "Name at least one field that buyers see, e.g. zip3, state. Ping post shows them."
                }
            )
        if self.source is not None and self.source.workspace_id != self.workspace_id:
            raise ValidationError(
                {
                    "source": "This source belongs to another workspace. Choose a source in the campaign's workspace."
                }
            )
        for enrollment in self.enrollments.select_related("buyer") if self.pk else ():
            try:
                check_answers_fit(enrollment.buyer.answers, questions=self.questions)
            except ValidationError as error:
                problems = [f"For the buyer {enrollment.buyer.name}: {message}" for message in error.messages]
                raise ValidationError({"questions": problems}) from None

"""The steps inside a campaign."""

from itertools import count
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q

from distribution.engine.limits import MAX_OFFER_SECONDS, MAX_PRICE_CENTS
from distribution.models.campaign import Campaign
from distribution.models.versioning import parent_version_triggers
from distribution.models.waking import tier_trigger
from routing.models.ownership import owner_trigger
from routing.validators import check_condition


class Tier(models.Model):
    """An ordered step inside a campaign: the engine fills tier 1 before it looks at tier 2."""

    campaign = models.ForeignKey(
        Campaign,
        on_delete=models.CASCADE,
        related_name="tiers",
        help_text="The campaign this tier belongs to. Next: enroll buyers in this tier, under Enrollments.",
    )
    position = models.PositiveIntegerField(
        default=1,
        help_text="The tier with position 1 is offered a lead first. Each position can be used once in a campaign.",
    )
    name = models.CharField(
        max_length=100, blank=True, help_text="E.g. Gold. Blank: the tier is named by its position."
    )
    content_filter = models.JSONField(
        default=dict,
        blank=True,
        validators=[check_condition],
        help_text='Which leads this tier takes, e.g. {"field": "attributes.roof_age", "op": "gte", "value": 10}. '
        "Empty: every lead.",
    )
    price_cents = models.PositiveBigIntegerField(
        null=True,
        blank=True,
        validators=[MaxValueValidator(MAX_PRICE_CENTS)],
        help_text="Blank: the campaign's price.",
    )
    head_start_seconds = models.PositiveIntegerField(
        default=0,
        db_default=0,
        validators=[MaxValueValidator(MAX_OFFER_SECONDS)],
        help_text="Ping post: seconds after an offer opens until buyers in this tier see it. Earlier tiers have that "
        "head start. 0: at once.",
    )

    class Meta:
        db_table = "distribution_tier"
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "position"], name="tier_campaign_position_unique"),
            models.CheckConstraint(
                condition=Q(price_cents__lte=MAX_PRICE_CENTS),
                name="tier_amounts_in_range",
            ),
            models.CheckConstraint(
                condition=Q(head_start_seconds__lte=MAX_OFFER_SECONDS), name="tier_head_start_in_range"
            ),
        ]
        triggers: ClassVar = [
            *parent_version_triggers(
                ("campaign_id", "position", "content_filter", "price_cents", "head_start_seconds")
            ),
            tier_trigger(),
            owner_trigger(
                "campaign_id",
                name="tier",
                instead="Add a tier to the other campaign and enroll its buyers there.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name or f'Tier {self.position}'} of {self.campaign}"

    def clean(self) -> None:
        """The constraint of the database is checked too. Its message names no position that is free."""
        others = Tier.objects.filter(campaign_id=self.campaign_id, position=self.position)
        if self.campaign_id is not None and others.exclude(pk=self.pk).exists():
            free = find_free_position(self.campaign_id)
            message = (
                f"The campaign has a tier with position {self.position} already. Use {free}, which is free."
            )
            raise ValidationError({"position": message})


def find_free_position(campaign_id: int) -> int:
    """The lowest one."""
    taken = set(Tier.objects.filter(campaign_id=campaign_id).values_list("position", flat=True))
    return next(position for position in count(1) if position not in taken)

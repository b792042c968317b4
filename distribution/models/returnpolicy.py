"""Under which rules a buyer may give leads back."""

from typing import ClassVar, Final

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from distribution.configuration.return_reasons import BUYER_CHOICES, accepted_reasons, check_within
from distribution.models.buyer import Buyer
from routing.models import Workspace
from routing.models.ownership import owner_trigger

MAX_WINDOW_HOURS: Final = 8_760
# Of the price. All of it is a full return.
MAX_PARTIAL_PERCENT: Final = 99


class ReturnLimit(models.TextChoices):
    """What a limit counts. A return counts in the period in which its lead was sold."""

    NONE = "none", "no limit"
    LEADS = "leads", "a number of leads"
    LEADS_PERCENT = "leads_percent", "a percentage of the leads bought"
    REVENUE_PERCENT = "revenue_percent", "a percentage of the money spent"


class ReturnPeriod(models.TextChoices):
    DAY = "day", "day"
    WEEK = "week", "week, starting Monday"
    MONTH = "month", "calendar month"


class EvidenceKind(models.TextChoices):
    NONE = "none", "none"
    TEXT = "text", "a text"
    FILE = "file", "a file"


def _reasons(**options: object) -> "ArrayField[list[str], list[str]]":
    return ArrayField(models.CharField(max_length=20, choices=BUYER_CHOICES), **options)  # type: ignore[arg-type]


class ReturnPolicy(models.Model):
    """The rules of one buyer, or without a buyer those of every buyer in the workspace that has none of its own."""

    workspace = models.ForeignKey(
        Workspace,
        on_delete=models.PROTECT,
        related_name="return_policies",
        help_text="The workspace whose buyers these rules are for.",
    )
    buyer = models.OneToOneField(
        Buyer,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="return_policy",
        help_text="Blank: every buyer of the workspace that has no policy of its own.",
    )
    active = models.BooleanField(
        default=True,
        help_text="If unchecked, these buyers cannot ask for returns. Operators still can return leads.",
    )
    window_hours = models.PositiveIntegerField(
        default=72,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_WINDOW_HOURS)],
        help_text="How many hours after the sale a return can be requested.",
    )
    reasons = _reasons(default=accepted_reasons, help_text="The reasons for which a return can be requested.")
    evidence = models.CharField(
        max_length=4,
        choices=EvidenceKind.choices,
        default=EvidenceKind.TEXT,
        help_text="What a request must include.",
    )
    limit_basis = models.CharField(
        verbose_name="limit",
        max_length=15,
        choices=ReturnLimit.choices,
        default=ReturnLimit.NONE,
        help_text="What is limited in each period. A return counts in the period in which its lead was sold.",
    )
    limit_value = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="Number of leads, or percent. A percentage of leads is rounded up.",
    )
    limit_period = models.CharField(
        max_length=5,
        choices=ReturnPeriod.choices,
        default=ReturnPeriod.MONTH,
        help_text="The period of the limit, in the buyer's time zone.",
    )
    automatic_reasons = _reasons(
        default=list,
        blank=True,
        help_text="Requests for these reasons are approved and refunded at once. None: an operator decides each.",
    )
    automatic_hours = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_WINDOW_HOURS)],
        help_text="Approve at once only this many hours after the sale. Blank: at any time.",
    )
    automatic_percent = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_PARTIAL_PERCENT)],
        help_text="A partial refund is approved at once only if all refunds of the lead, with this one, are at most "
        "this percentage of its price. Blank: an operator decides each partial refund.",
    )
    resells = models.BooleanField(
        default=False,
        help_text="Offer a returned lead once to the buyers that never had it.",
    )
    resale_hours = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="Offer it only this many hours after it was received. Blank: at any age.",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "distribution_returnpolicy"
        verbose_name_plural = "return policies"
        constraints = [
            models.UniqueConstraint(
                fields=["workspace"],
                condition=Q(buyer__isnull=True),
                name="return_policy_one_default",
                violation_error_message="This workspace already has a policy for all buyers. Change that one.",
            ),
            models.CheckConstraint(
                condition=Q(limit_basis="none", limit_value__isnull=True)
                | Q(limit_basis="leads", limit_value__isnull=False)
                | Q(
                    limit_basis__in=["leads_percent", "revenue_percent"],
                    limit_value__isnull=False,
                    limit_value__lte=100,
                ),
                name="return_policy_limit_fits",
                violation_error_message="Enter a value with a limit, at most 100 percent. Without one, leave it blank.",
            ),
            models.CheckConstraint(
                condition=Q(window_hours__gte=1, window_hours__lte=MAX_WINDOW_HOURS),
                name="return_policy_window_in_range",
            ),
            models.CheckConstraint(condition=~Q(reasons=[]), name="return_policy_has_a_reason"),
            models.CheckConstraint(
                condition=Q(automatic_percent__isnull=True)
                | Q(automatic_percent__gte=1, automatic_percent__lte=MAX_PARTIAL_PERCENT),
                name="return_policy_automatic_percent_in_range",
            ),
        ]
        triggers: ClassVar = [
            owner_trigger(
                *("workspace_id", "buyer_id"),
                name="return policy",
                instead="Add a policy for the other buyer.",
            ),
            pgtrigger.Trigger(
                name="same_workspace",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                condition=pgtrigger.Condition("(NEW.buyer_id IS NOT NULL)"),
                func="""
                    IF NOT EXISTS (
                        SELECT 1 FROM distribution_buyer WHERE id = NEW.buyer_id AND workspace_id = NEW.workspace_id
                    ) THEN
                        RAISE EXCEPTION 'A return policy needs a buyer of its workspace.'
                        USING ERRCODE = 'check_violation', CONSTRAINT = 'return_policy_same_workspace';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"Return policy of {self.buyer if self.buyer_id else f'all buyers ({self.workspace})'}"

    def clean(self) -> None:
        if self.buyer_id and self.workspace_id and self.buyer.workspace_id != self.workspace_id:  # type: ignore[union-attr]
            raise ValidationError(
                {"buyer": "This buyer is in a different workspace. Choose one of the workspace above."}
            )
        try:
            check_within(self.automatic_reasons, accepted=self.reasons)
        except ValidationError as error:
            raise ValidationError({"automatic_reasons": error.messages}) from None

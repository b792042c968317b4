"""Companies that buy leads."""

from typing import ClassVar

import pgtrigger
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from uuid6 import uuid7

from distribution.configuration.checks import (
    check_answer_keys,
    check_answers,
    check_answers_fit,
    check_hours,
    check_phone,
    check_service_area,
    check_timezone,
    list_keys,
)
from distribution.models.campaign import Campaign
from distribution.models.pausing import ended_pauses_index, pause_constraint
from distribution.models.versioning import buyer_version_trigger
from distribution.models.waking import buyer_trigger
from routing.models import Workspace
from routing.models.ownership import owner_trigger

BUYER_CONFIG = (
    *("timezone", "service_area", "answers", "hours"),
    *("paused_at", "paused_until", "is_paused_by_buyer"),
)


class Buyer(models.Model):
    """A company, not a person: its name may appear to its agency's operators."""

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    workspace = models.ForeignKey(
        Workspace,
        on_delete=models.PROTECT,
        related_name="buyers",
        help_text="The workspace this buyer belongs to. It can be enrolled in this workspace's campaigns.",
    )
    name = models.CharField(
        max_length=100,
        help_text="Unique in its workspace. Next: top up its wallet and enroll it in a campaign.",
    )
    timezone = models.CharField(
        verbose_name="time zone",
        max_length=50,
        default="America/New_York",
        validators=[check_timezone],
        help_text="The time zone of its hours, caps and budgets: an IANA name, e.g. America/Chicago.",
    )
    service_area = models.JSONField(
        default=dict,
        blank=True,
        validators=[check_service_area],
        help_text='E.g. {"states": ["GA"], "radius": [{"zip": "30312", "miles": 25}], "exclude": {"zips": ["30301"]}}. '
        'Keys: everywhere, countries, states, counties ("GA:Fulton County"), zips, zip_prefixes, radius, exclude. '
        'Outside the US: "CA-ON", "DE-30312". Empty: covers nothing.',
    )
    answers = models.JSONField(
        default=dict,
        blank=True,
        validators=[check_answers],
        help_text='Answers to the questions of its campaigns, by question key, e.g. {"types": ["residential"]}. '
        "A buyer that has not answered a required question gets no leads from that campaign.",
    )
    hours = models.JSONField(
        default=dict,
        blank=True,
        validators=[check_hours],
        help_text='When leads may be delivered, buyer\'s time zone: {"mon": [["09:00", "17:00"]]}. Empty: always.',
    )
    paused_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="While set, this buyer gets no leads. Use the button at the top to pause or resume.",
    )
    paused_until = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="When the pause ends by itself. Blank: when somebody resumes the buyer.",
    )
    is_paused_by_buyer = models.BooleanField(
        verbose_name="paused by itself",
        default=False,
        db_default=False,
        editable=False,
        help_text="The buyer paused itself. It can resume itself only then.",
    )
    # About a person: logs, messages and the audit log never have them.
    contact_name = models.CharField(
        max_length=100,
        blank=True,
        default="",
        db_default="",
        help_text="Whom the agency asks at this company.",
    )
    contact_email = models.EmailField(
        verbose_name="contact email",
        max_length=254,
        blank=True,
        default="",
        db_default="",
        help_text="The email address of this person.",
    )
    contact_phone = models.CharField(
        max_length=40,
        blank=True,
        default="",
        db_default="",
        validators=[check_phone],
        help_text="The phone number of this person, e.g. +1 404 555 0142.",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "distribution_buyer"
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="buyer_workspace_name_unique"),
            pause_constraint("buyer"),
            models.CheckConstraint(
                condition=Q(is_paused_by_buyer=False) | Q(paused_at__isnull=False),
                name="buyer_paused_by_itself_is_paused",
            ),
        ]
        indexes = [ended_pauses_index("buyer")]
        triggers: ClassVar = [
            buyer_version_trigger(BUYER_CONFIG),
            buyer_trigger(),
            owner_trigger(
                "workspace_id", name="buyer", instead="Pause it and add a buyer to the other workspace."
            ),
            # Every buyer has exactly one wallet from the start, however it was created: the hot path joins it.
            pgtrigger.Trigger(
                name="open_wallet",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                func="""
                    INSERT INTO distribution_wallet (buyer_id, balance_cents, held_cents, credit_limit_cents, version)
                    VALUES (NEW.id, 0, 0, 0, 0);
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        """Names are unique only within a workspace."""
        return f"{self.name} ({self.workspace})"

    def clean(self) -> None:
        questions = Campaign.objects.filter(workspace_id=self.workspace_id).values_list(
            "questions", flat=True
        )
        try:
            check_answer_keys(self.answers, asked={key for each in questions for key in list_keys(each)})
        except ValidationError as error:
            raise ValidationError({"answers": error.messages}) from None
        if not self.pk:
            return
        for campaign in Campaign.objects.filter(pk__in=self.enrollments.values("campaign_id")):
            try:
                check_answers_fit(self.answers, questions=campaign.questions)
            except ValidationError as error:
                problems = [f"For the campaign {campaign.name}: {message}" for message in error.messages]
                raise ValidationError({"answers": problems}) from None

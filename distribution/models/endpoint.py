"""Where a buyer gets its leads, or a subscriber its events: method, address, message, and how an answer is read."""

from typing import ClassVar, Final

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from uuid6 import uuid7

from distribution.models.buyer import Buyer
from distribution.models.campaign import Campaign
from distribution.models.direct_posts import ANSWERING, answering_trigger
from distribution.models.encrypted import EncryptedJSONField
from distribution.models.live_since import restart_trigger
from distribution.models.methods import (
    REQUIRED_FIELDS,
    AnswerFormat,
    BodyFormat,
    EmailFormat,
    HttpMethod,
    Method,
    PriceUnit,
    Purpose,
)
from distribution.models.subscribing import EventKind, owner_triggers
from routing.models import Source, Workspace
from routing.models.ownership import owner_trigger

MAX_TIMEOUT_SECONDS: Final = 60
MAX_IN_FLIGHT: Final = 100


class DisabledReason(models.TextChoices):
    GONE = "gone_410", "it answered 410 Gone"
    NO_SUCCESS = "no_success_120h", "no success for 120 hours"
    BY_HAND = "by_hand", "by a person"


class Endpoint(models.Model):
    """A buyer without an endpoint gets its leads in the portal and through the API alone.

    An endpoint with `events` is a subscription: it gets these events and no leads. It belongs to exactly one owner: the
    buyer, the source, or, if both are empty, the workspace. The others get leads and belong to a buyer. `workspace` is
    that of the owner; the database fills it in.

    An endpoint with the purpose ping is asked for bids in auctions. It gets no leads and no events, and what it is sent
    has no contact data.

    `disabled_at` stops new messages; messages that wait are sent once it is enabled again.
    """

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    workspace = models.ForeignKey(
        Workspace,
        on_delete=models.PROTECT,
        related_name="endpoints",
        help_text="The workspace of the owner. If neither a buyer nor a source is chosen, it is the owner.",
    )
    buyer = models.ForeignKey(
        Buyer,
        on_delete=models.PROTECT,
        null=True,
        related_name="endpoints",
        help_text="The buyer that gets the leads.",
    )
    source = models.ForeignKey(
        Source,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="endpoints",
        help_text="The source that gets the events.",
    )
    events = ArrayField(
        models.CharField(max_length=30, choices=EventKind.choices),
        default=list,
        db_default=[],
        blank=True,
        help_text="Which events it gets. An endpoint for leads has none.",
    )
    campaign = models.ForeignKey(
        Campaign,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="endpoints",
        help_text="Only leads of this campaign. Empty: leads of all of the buyer's campaigns.",
    )
    purpose = models.CharField(
        max_length=10,
        choices=Purpose.choices,
        default=Purpose.DELIVERY,
        db_default=Purpose.DELIVERY,
        editable=False,
        help_text="What is sent to it. It never changes.",
    )
    name = models.CharField(
        max_length=100, help_text="E.g. CRM, or the office's inbox. Unique for the buyer."
    )
    method = models.CharField(
        max_length=10,
        choices=Method.choices,
        default=Method.WEBHOOK,
        help_text="How each lead is sent. The fields below depend on it.",
    )
    url = models.CharField(
        verbose_name="URL",
        max_length=2_000,
        blank=True,
        default="",
        help_text="The https address that gets the leads. It must be a public address.",
    )
    test_url = models.CharField(
        verbose_name="test URL",
        max_length=2_000,
        blank=True,
        default="",
        help_text="The address that gets test leads. Empty: it gets no test leads of sources, and Send a test lead "
        "asks before it uses the URL above.",
    )
    email_to = models.CharField(
        verbose_name="email to",
        max_length=1_000,
        blank=True,
        default="",
        help_text="One or more email addresses, separated by commas.",
    )
    http_method = models.CharField(
        verbose_name="HTTP method",
        max_length=4,
        choices=HttpMethod.choices,
        default=HttpMethod.POST,
        help_text="GET sends the fields in the URL.",
    )
    body_format = models.CharField(
        max_length=4,
        choices=BodyFormat.choices,
        default=BodyFormat.JSON,
        help_text="How the body is written.",
    )
    email_format = models.CharField(
        max_length=4,
        choices=EmailFormat.choices,
        default=EmailFormat.TEXT,
        help_text="How the message is written.",
    )
    daily_at = models.TimeField(
        verbose_name="daily at",
        default="06:00",
        help_text="When the message with the leads of the last day is sent, in the buyer's time zone.",
    )
    # Its constants may be secrets, and a text keeps the order, which an XML document may need.
    template = EncryptedJSONField(
        default=dict,
        blank=True,
        help_text='What is sent: the buyer\'s name and the lead\'s field, e.g. {"FirstName": "{first_name}"}. '
        "Stored encrypted.",
    )
    headers = EncryptedJSONField(
        default=dict,
        blank=True,
        help_text='Headers of each request, e.g. {"Authorization": "Bearer ..."}. Stored encrypted, and never shown.',
    )
    accept_term = models.CharField(
        max_length=200,
        blank=True,
        default="",
        help_text="An answer with status 2xx accepts the lead only if it contains this text. Empty: every 2xx accepts.",
    )
    accept_path = models.CharField(
        max_length=200,
        blank=True,
        default="",
        help_text="Where the answer says so, e.g. result.status or /response/status. Empty: the whole answer.",
    )
    reason_path = models.CharField(
        max_length=200,
        blank=True,
        default="",
        help_text="Where the answer gives the reason of a rejection, e.g. result.message.",
    )
    price_path = models.CharField(
        max_length=200,
        blank=True,
        default="",
        help_text="Where the answer gives a price in dollars, e.g. result.price. It is shown, not charged.",
    )
    price_unit = models.CharField(
        max_length=7,
        choices=PriceUnit.choices,
        default=PriceUnit.DOLLARS,
        db_default=PriceUnit.DOLLARS,
        help_text="What a bid is written in. Fractions of a cent are cut off.",
    )
    bid_id_path = models.CharField(
        verbose_name="bid ID path",
        max_length=200,
        blank=True,
        default="",
        db_default="",
        help_text="Where the answer gives its id of the bid, e.g. result.ping_id. The lead is sent with it: "
        "{assignment.bid_id} in the body of the buyer's endpoint for leads.",
    )
    answer_format = models.CharField(
        max_length=4,
        choices=AnswerFormat.choices,
        blank=True,
        default="",
        help_text="How the answer is read. Empty: as its content type says.",
    )
    timeout_seconds = models.PositiveSmallIntegerField(
        verbose_name="timeout (seconds)",
        default=15,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_TIMEOUT_SECONDS)],
        help_text="How long to wait for the answer, 1 to 60 seconds.",
    )
    max_in_flight = models.PositiveSmallIntegerField(
        verbose_name="requests at once",
        default=4,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_IN_FLIGHT)],
        help_text="How many requests may run at once, 1 to 100.",
    )
    active = models.BooleanField(default=True, help_text="Turn it off to send nothing new.")
    disabled_at = models.DateTimeField(null=True, blank=True, editable=False)
    disabled_reason = models.CharField(
        max_length=20, choices=DisabledReason.choices, blank=True, default="", editable=False
    )
    last_success_at = models.DateTimeField(null=True, blank=True, editable=False)
    failing_since = models.DateTimeField(null=True, blank=True, editable=False)
    # Every sale since then has a delivery to it: `verify` checks that.
    live_since = models.DateTimeField(db_default=Now(), editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "distribution_endpoint"
        constraints = [
            models.UniqueConstraint(fields=["buyer", "name"], name="endpoint_buyer_name_unique"),
            models.CheckConstraint(
                condition=Q(buyer__isnull=True) | Q(source__isnull=True), name="endpoint_one_owner"
            ),
            models.CheckConstraint(
                condition=Q(buyer__isnull=False) | ~Q(events=[]), name="endpoint_of_leads_has_a_buyer"
            ),
            models.CheckConstraint(
                condition=Q(events=[]) | Q(method__in=["webhook", "email"], campaign__isnull=True),
                name="endpoint_events_by_webhook_or_email",
            ),
            models.CheckConstraint(
                condition=Q(purpose="delivery", bid_id_path="", price_unit="dollars")
                | Q(purpose="ping", method="http", events=[]) & ~Q(price_path=""),
                name="endpoint_ping_reads_a_price",
            ),
            models.CheckConstraint(
                condition=Q(price_unit__in=PriceUnit.values), name="endpoint_price_unit_known"
            ),
            models.CheckConstraint(
                condition=Q(disabled_at__isnull=True, disabled_reason="")
                | (Q(disabled_at__isnull=False) & ~Q(disabled_reason="")),
                name="endpoint_disabled_with_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(method__in=["webhook", "http"]) & ~Q(url="")
                | Q(method__in=["email", "csv"]) & ~Q(email_to=""),
                name="endpoint_has_an_address",
            ),
            models.CheckConstraint(
                condition=Q(timeout_seconds__gte=1, timeout_seconds__lte=MAX_TIMEOUT_SECONDS),
                name="endpoint_timeout_in_range",
            ),
            models.CheckConstraint(
                condition=Q(max_in_flight__gte=1, max_in_flight__lte=MAX_IN_FLIGHT),
                name="endpoint_in_flight_in_range",
            ),
        ]
        indexes = [
            # Events look for their subscriptions: nearly all endpoints are none.
            models.Index(fields=["id"], condition=~Q(events=[]), name="endpoint_subscription")
        ]
        triggers: ClassVar = [
            owner_trigger(
                *("buyer_id", "source_id", "workspace_id"),
                name="endpoint",
                instead="Disable it and add an endpoint to the other owner.",
            ),
            restart_trigger(),
            answering_trigger(),
            *owner_triggers(),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.owner}"

    @property
    def owner(self) -> Buyer | Source | Workspace:
        return self.buyer or self.source or self.workspace

    @property
    def owner_name(self) -> str:
        return self.owner.name

    @property
    def timezone(self) -> str:
        """The time zone of its owner."""
        return self.workspace.timezone if self.buyer is None else self.buyer.timezone

    @property
    def is_live(self) -> bool:
        return self.active and self.disabled_at is None

    @property
    def test_address(self) -> str:
        """Where test leads go. Blank: nowhere. They never go to the live address by themselves."""
        return self.test_url if self.method in ANSWERING else ""

    @property
    def live_address(self) -> str:
        return self.url if self.method in ANSWERING else self.email_to

    def clean(self) -> None:
        """The form's errors name the field that the method lacks."""
        lacking = [name for name in REQUIRED_FIELDS.get(self.method, ()) if not getattr(self, name)]
        if lacking:
            raise ValidationError(dict.fromkeys(lacking, "This method needs it."))
        is_foreign = (
            self.campaign_id is not None and self.campaign.workspace_id != self.buyer.workspace_id  # type: ignore[union-attr]
        )
        if is_foreign:
            raise ValidationError({"campaign": "Choose a campaign of the buyer's workspace."})

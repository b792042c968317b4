"""Tenants, the places their leads come from, and the keys those places use."""

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Now
from uuid6 import uuid7

from routing.models.apikey import ScopedKey, id_is_no_hash, revocation_trigger
from routing.models.ownership import owner_trigger
from routing.models.rule_triggers import version_stays_trigger
from routing.models.switching import switch_trigger
from routing.models.wakeup import workspace_trigger
from routing.validators import check_vertical
from routing.values.opening_hours import check_hours, check_timezone


class WorkspaceKind(models.TextChoices):
    AGENCY = "agency", "agency: owns campaigns and buyers"
    PARTNER = "partner", "partner: sends or receives leads"


class DispatchMode(models.TextChoices):
    """How due leads of a workspace are found. See docs/dispatch-rollout.md."""

    # may change at any time in either direction: a lead's row lock decides which process runs it
    POLL = "poll", "poll: workers look for due leads in PostgreSQL periodically"
    SHADOW = "shadow", "shadow: like poll; an index in Redis is also written and compared, but not used"
    EVENT = "event", "event: the dispatcher starts leads when they are due"


def new_dispatch_mode() -> str:
    """The mode of new workspaces. It comes from the settings: a rollout decides when it becomes event."""
    return str(settings.LEADSWITCH_DISPATCH_MODE)


class DuplicateScope(models.TextChoices):
    """Which leads of the same person make a lead a duplicate."""

    OFF = "off", "off: only the same lead sent again by the same source within a minute"
    WORKSPACE = "workspace", "workspace: leads of this workspace"
    PARTNERS = "partners", "partners: leads of this workspace and of workspaces connected by routing rules"
    EVERYWHERE = "everywhere", "everywhere: leads of every workspace in this installation"


class IntakeMode(models.TextChoices):
    """What happens to a lead with a field that cannot be read."""

    LENIENT = "lenient", "lenient: an optional field that is not valid is dropped, with a warning"
    STRICT = "strict", "strict: a lead with any invalid or unknown field is rejected"


class AfterPromise(models.TextChoices):
    """What happens to an unsold lead when the price that its source was promised is no longer promised."""

    SELL = "sell", "sell: it is sold at any price, like a lead without a ping"
    END = "end", "end: it is not sold"


class Workspace(models.Model):
    """A tenant. Everything else belongs to exactly one.

    `rules_version` grows by triggers of routing_rule with every change of a rule that a lead of this workspace can
    meet, here or in a later workspace; 0: there has been no such rule.
    """

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    kind = models.CharField(
        max_length=10,
        choices=WorkspaceKind.choices,
        default=WorkspaceKind.AGENCY,
        help_text="An agency sells leads in its own campaigns. A partner only sends or receives them.",
    )
    slug = models.SlugField(
        unique=True,
        help_text="Short name for the command line, e.g. sunbelt. Must be unique. Filled in from the name.",
    )
    name = models.CharField(
        max_length=100, help_text="The name people know it by. Next: add a source, buyers and a campaign."
    )
    timezone = models.CharField(
        verbose_name="time zone",
        max_length=50,
        default="America/New_York",
        validators=[check_timezone],
        help_text="The workspace's time zone: an IANA name, e.g. America/Chicago.",
    )
    lead_ttl_days = models.PositiveIntegerField(
        verbose_name="lead expires after (days)",
        default=90,
        validators=[MinValueValidator(1), MaxValueValidator(3650)],
        help_text="An unsold lead expires this many days after it was received.",
    )
    paused_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="While set, leads are accepted but not distributed. Use the button at the top to pause or resume.",
    )
    resumed_at = models.DateTimeField(null=True, editable=False, help_text="When its last pause ended.")
    hours = models.JSONField(
        null=True,
        blank=True,
        validators=[check_hours],
        help_text='When leads are distributed, in the workspace time zone, e.g. {"mon": [["09:00", "17:00"]]}. '
        "Blank: always open.",
    )
    dispatch_mode = models.CharField(
        max_length=6,
        choices=DispatchMode.choices,
        default=new_dispatch_mode,
        db_default=DispatchMode.POLL,
        help_text="How its due leads are found. You can change this at any time: docs/dispatch-rollout.md.",
    )
    max_attempts = models.PositiveSmallIntegerField(
        default=3,
        db_default=3,
        validators=[MinValueValidator(1), MaxValueValidator(20)],
        help_text="After this many errors in a row in LeadSwitch, a lead is marked as failed and no longer tried.",
    )
    duplicate_scope = models.CharField(
        max_length=10,
        choices=DuplicateScope.choices,
        default=DuplicateScope.PARTNERS,
        db_default=DuplicateScope.PARTNERS,
        help_text=(
            "A lead is a duplicate if a lead for the same person (same email or phone) was already sold,"
            " or was received earlier and is still open. This sets which leads are compared."
        ),
    )
    duplicate_days = models.PositiveIntegerField(
        verbose_name="look back for duplicates (days)",
        default=30,
        db_default=30,
        validators=[MinValueValidator(1), MaxValueValidator(3650)],
        help_text="How many days back to look for the same person.",
    )
    duplicate_same_vertical = models.BooleanField(
        verbose_name="count duplicates only within the same vertical",
        default=False,
        db_default=False,
        help_text="If checked, a lead for another vertical is not a duplicate, even if it comes from the same person.",
    )
    rules_version = models.PositiveBigIntegerField(default=0, db_default=0, editable=False)
    # Grows with each change of paused_at or dispatch_mode; Redis refuses to mirror an older one.
    switch_version = models.PositiveBigIntegerField(default=0, db_default=0, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "routing_workspace"
        indexes = [
            # Workspaces in poll mode: read every few seconds, and there are few or none.
            models.Index(fields=["id"], condition=~models.Q(dispatch_mode="event"), name="workspace_polled"),
            # Workspaces whose leads a pick may take: read before each pick.
            models.Index(fields=["id"], condition=models.Q(paused_at__isnull=True), name="workspace_running"),
        ]
        triggers: ClassVar = [
            workspace_trigger(),
            version_stays_trigger(),
            switch_trigger("paused_at", "dispatch_mode"),
        ]
        constraints = [
            models.CheckConstraint(condition=models.Q(lead_ttl_days__gte=1), name="workspace_ttl_positive"),
            models.CheckConstraint(
                condition=models.Q(dispatch_mode__in=DispatchMode.values),
                name="workspace_dispatch_mode_known",
            ),
            models.CheckConstraint(
                condition=models.Q(duplicate_days__gte=1), name="workspace_duplicate_days_positive"
            ),
            models.CheckConstraint(
                condition=models.Q(duplicate_scope__in=DuplicateScope.values),
                name="workspace_duplicate_scope_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Source(models.Model):
    """Where a lead came in: a form, a partner feed, an import."""

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    workspace = models.ForeignKey(
        Workspace,
        on_delete=models.PROTECT,
        related_name="sources",
        help_text="The workspace that receives this source's leads.",
    )
    name = models.SlugField(
        help_text='Conditions find it in the field "source". Next: issue a key under Source keys so it can send leads.'
    )
    default_vertical = models.CharField(
        max_length=50,
        blank=True,
        validators=[check_vertical],
        help_text=(
            "Used for leads from this source that have no vertical. Blank: leads without a vertical are"
            " rejected."
        ),
    )
    intake_mode = models.CharField(
        max_length=7,
        choices=IntakeMode.choices,
        default=IntakeMode.LENIENT,
        db_default=IntakeMode.LENIENT,
        help_text=(
            "Lenient: a lead is rejected only if it has no location, no vertical or no way to reach the"
            " person. Unknown fields become attributes. The response lists dropped and corrected values"
            " as warnings."
        ),
    )
    active = models.BooleanField(
        default=True,
        help_text="If unchecked, its keys are rejected. Uncheck it instead of deleting the source.",
    )
    ping_seconds = models.PositiveIntegerField(
        "a ping is valid for (seconds)",
        null=True,
        blank=True,
        validators=[MinValueValidator(10), MaxValueValidator(3_600)],
        help_text="How long a price that a ping was promised can be used. Blank: LEADSWITCH_PING_SECONDS.",
    )
    after_promise = models.CharField(
        "unsold leads after a promise",
        max_length=4,
        choices=AfterPromise.choices,
        default=AfterPromise.SELL,
        db_default=AfterPromise.SELL,
        help_text="What happens to a lead that was not sold while the price of its ping was promised.",
    )
    # How many test leads it sent on which day (UTC): routing/intake/daily_limit.py counts them.
    test_leads_on = models.DateField(null=True, editable=False)
    test_leads = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "routing_source"
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="source_workspace_name_unique"),
            models.CheckConstraint(
                condition=models.Q(intake_mode__in=IntakeMode.values), name="source_intake_mode_known"
            ),
            models.CheckConstraint(
                condition=models.Q(after_promise__in=AfterPromise.values), name="source_after_promise_known"
            ),
            models.CheckConstraint(
                condition=models.Q(ping_seconds__isnull=True) | models.Q(ping_seconds__range=(10, 3_600)),
                name="source_ping_seconds_range",
            ),
        ]
        triggers: ClassVar = [
            owner_trigger(
                "workspace_id",
                name="source",
                instead="Add a source to the other workspace and issue its keys there.",
            )
        ]

    def __str__(self) -> str:
        """Names are unique only within a workspace."""
        return f"{self.name} ({self.workspace})"


class SourceScope(models.TextChoices):
    """What a source's key may do, always with its own source's data. Codes are permanent, because rows contain them."""

    LEADS_WRITE = "leads:write", "leads:write: send leads, cancel them, and have waiting leads tried now"
    LEADS_READ = "leads:read", "leads:read: look up its own leads and why they were or were not sold"
    PAYABLES_READ = "payables:read", "payables:read: read the statement of what the source is owed"
    SUBSCRIPTIONS_READ = "subscriptions:read", "subscriptions:read: its subscriptions to events"
    SUBSCRIPTIONS_WRITE = "subscriptions:write", "subscriptions:write: subscribe to events and end it"
    TRACE = "trace", "trace: the full trace of its own leads, with buyer names, prices and balances"


def default_source_scopes() -> list[str]:
    """Default scopes show no buyers: keys of sources are in web forms and with affiliates."""
    return [SourceScope.LEADS_WRITE.value, SourceScope.LEADS_READ.value]


class SourceKey(ScopedKey):
    """An API key of a source."""

    owner_field = "source"
    kept_in_rotation = (*ScopedKey.kept_in_rotation, "is_test")
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="keys")
    scopes = ArrayField(
        models.CharField(max_length=20, choices=SourceScope.choices),
        default=default_source_scopes,
        help_text="What this key may do. Grant trace only to people who are allowed to see the workspace's buyers.",
    )

    is_test = models.BooleanField(
        "test key",
        default=False,
        db_default=False,
        help_text="Every lead that it sends is a test lead: it is decided like any lead and charges nothing.",
    )

    class Meta(ScopedKey.Meta):
        db_table = "routing_sourcekey"
        verbose_name = "source key"
        verbose_name_plural = "source keys"
        constraints = [
            models.CheckConstraint(condition=~models.Q(scopes=[]), name="sourcekey_has_a_scope"),
            id_is_no_hash("sourcekey"),
        ]
        triggers: ClassVar = [
            owner_trigger("source_id", name="key", instead="Revoke it and issue a key for the other source."),
            revocation_trigger(),
        ]

"""How the leads of a campaign are called, and phones that are never called."""

import re
from datetime import timedelta
from types import MappingProxyType
from typing import ClassVar, Final

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from distribution.models.call import CallOutcome
from distribution.models.campaign import Campaign
from routing.models import Workspace
from routing.models.ownership import owner_trigger

MOST_TRIES: Final = 6
MOST_WAIT_MINUTES: Final = 7 * 24 * 60
MIN_RING_SECONDS: Final = 10
MAX_RING_SECONDS: Final = 60
PLACEHOLDER: Final = "{workspace}"
KEYS: Final = MappingProxyType(
    {"1": "the person confirms", "2": "the person declines", "9": "the person is not called again"}
)
# Outcomes after which there is another call.
REPEATED: Final = ("no_answer", "voicemail", "busy", "no_input", "failed")
DEFAULT_SCRIPT: Final = (
    "Hello. You asked for an offer through {workspace}. Press 1 to confirm your request. "
    "Press 2 if you no longer want it. Press 9 if you do not want to be called again."
)


def find_script_problem(script: str) -> str:
    """The person who answers must hear what each key does, and no braces. "" if all is well."""
    missing = [f"{key} ({what})" for key, what in KEYS.items() if not re.search(rf"\b{key}\b", script)]
    if missing:
        return f"Say what these keys do: {', '.join(missing)}."
    braces = {"{", "}"} & set(script.replace(PLACEHOLDER, ""))
    return f"Only {PLACEHOLDER} is replaced. Take out the other braces." if braces else ""


def find_recording_problem(script: str) -> str:
    """A person who is recorded must hear it first. "" if the script has a word for it."""
    is_said = re.search(r"\b(record|tape)", script, re.IGNORECASE)
    return (
        "" if is_said else "Calls are recorded, and the script does not say it. Add: This call is recorded."
    )


def _minutes(default: int, *, after: str) -> "models.PositiveIntegerField[int, int]":
    return models.PositiveIntegerField(
        default=default,
        db_default=default,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_WAIT_MINUTES)],
        help_text=f"Minutes until the next call after {after}.",
    )


def _tries(default: int, *, what: str) -> "models.PositiveSmallIntegerField[int, int]":
    return models.PositiveSmallIntegerField(
        default=default,
        db_default=default,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_TRIES)],
        help_text=f"How many calls may end with {what} before there is no further one.",
    )


class CallPolicy(models.Model):
    """When a person is called again, and what they hear. A campaign without a policy has these defaults."""

    campaign = models.OneToOneField(Campaign, on_delete=models.PROTECT, related_name="call_policy")
    max_calls = models.PositiveSmallIntegerField(
        default=4,
        db_default=4,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_TRIES)],
        help_text="How many calls there are in all, whatever they end with. A call that was not placed does not count.",
    )
    busy_minutes = _minutes(10, after="a busy line")
    busy_calls = _tries(3, what="a busy line")
    no_answer_minutes = _minutes(180, after="no answer")
    no_answer_calls = _tries(3, what="no answer")
    voicemail_minutes = _minutes(180, after="an answering machine")
    voicemail_calls = _tries(2, what="an answering machine")
    no_input_minutes = _minutes(60, after="an answer without a key")
    no_input_calls = _tries(2, what="an answer without a key")
    failed_minutes = _minutes(15, after="a failure of the carrier")
    failed_calls = _tries(2, what="a failure of the carrier")
    ring_seconds = models.PositiveIntegerField(
        default=28,
        db_default=28,
        validators=[MinValueValidator(MIN_RING_SECONDS), MaxValueValidator(MAX_RING_SECONDS)],
        help_text="How long it rings. Answering machines often take over after 30 seconds.",
    )
    script = models.TextField(
        default=DEFAULT_SCRIPT,
        max_length=1_000,
        help_text="What the person hears. {workspace} is replaced. Say what the keys 1, 2 and 9 do.",
    )
    needs_consent = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Only people with a proof of consent are called.",
    )
    records_calls = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Many states require that the person agrees to a recording. The script must say that it is recorded.",
    )

    class Meta:
        db_table = "distribution_callpolicy"
        verbose_name_plural = "call policies"
        triggers: ClassVar = [
            owner_trigger("campaign_id", name="policy", instead="Change the policy of the other campaign.")
        ]

    def __str__(self) -> str:
        return f"Calls of {self.campaign}"

    def clean(self) -> None:
        problem = find_script_problem(self.script)
        if not problem and self.records_calls:
            problem = find_recording_problem(self.script)
        if problem:
            raise ValidationError({"script": problem})

    def find_wait(self, outcome: str) -> tuple[timedelta, int] | None:
        """How long to wait after a call with this outcome, and how many may end so. None: there is no further call."""
        names = {
            CallOutcome.BUSY: "busy",
            CallOutcome.NO_ANSWER: "no_answer",
            CallOutcome.VOICEMAIL: "voicemail",
            CallOutcome.NO_INPUT: "no_input",
            CallOutcome.FAILED: "failed",
            # We ended it before anyone answered: the carrier let it ring for too long.
            CallOutcome.CANCELED: "failed",
        }
        name = names.get(CallOutcome(outcome))
        if name is None:
            return None
        return timedelta(minutes=getattr(self, f"{name}_minutes")), getattr(self, f"{name}_calls")


class BlockedPhone(models.Model):
    """A phone that a workspace never calls. Only its keyed hash is kept."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    phone_hash = models.CharField(max_length=64, editable=False)
    reason = models.CharField(max_length=200)
    actor = models.CharField(max_length=150, blank=True, default="", db_default="", editable=False)
    is_opt_out = models.BooleanField(
        "asked for it in a call", default=False, db_default=False, editable=False
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "distribution_blockedphone"
        constraints = [
            models.UniqueConstraint(fields=["workspace", "phone_hash"], name="blockedphone_once"),
            models.CheckConstraint(condition=~Q(phone_hash=""), name="blockedphone_hash_not_blank"),
        ]
        # Of a hash that is computed anew.
        indexes = [models.Index(fields=["phone_hash"], name="blockedphone_hash")]
        triggers: ClassVar = [
            owner_trigger("workspace_id", name="entry", instead="Add the phone to the other workspace.")
        ]

    def __str__(self) -> str:
        return f"Blocked phone {self.pk}"

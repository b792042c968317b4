"""The words of the trace: event codes and skip reasons. Codes are permanent: rows in the table keep them for ever."""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Event(StrEnum):
    """What can happen in an attempt."""

    DISTRIBUTION_STARTED = "distribution_started"
    ROUTED = "routed"
    CAMPAIGN_RESOLVED = "campaign_resolved"
    PRICING_COMPUTED = "pricing_computed"
    BUYER_POOL_COMPOSED = "buyer_pool_composed"
    BUYER_SKIPPED = "buyer_skipped"
    BUYER_SELECTED = "buyer_selected"
    DISTRIBUTED = "distributed"
    FAILED = "failed"
    GATED_FOR_VERIFICATION = "gated_for_verification"
    PING_POST_OPENED = "ping_post_opened"
    PING_POST_CLAIMED = "ping_post_claimed"
    PING_POST_CLOSED = "ping_post_closed"


# Exactly one of these closes an attempt.
TERMINAL_EVENTS = frozenset(
    {Event.DISTRIBUTED, Event.FAILED, Event.GATED_FOR_VERIFICATION, Event.PING_POST_OPENED}
)


# The results that a terminal event can stand for.
RESULTS_OF_TERMINAL = MappingProxyType(
    {
        Event.DISTRIBUTED: frozenset({"success"}),
        Event.FAILED: frozenset({"unsold", "deferred", "retry", "failed", "duplicate", "expired"}),
        Event.GATED_FOR_VERIFICATION: frozenset({"gated"}),
        Event.PING_POST_OPENED: frozenset({"offered"}),
    }
)


class Level(StrEnum):
    LEAD = "lead"
    BUYER = "buyer"


class RetryClass(StrEnum):
    """What happens next to a lead that was not sold."""

    TRANSIENT = "transient"  # would succeed unchanged a moment later: retry with backoff
    ERROR = "error"  # the product failed: retry a few times, minutes apart, then parked until a person acts
    DEFERRED = "deferred"  # will be allowed at a known time: due again then
    PERMANENT = "permanent"  # a gap in configuration or coverage: parked until a person acts


class Fixer(StrEnum):
    """Who can change it."""

    BUYER = "buyer"
    AGENCY = "agency"
    LEAD = "lead"  # inherent in the lead
    OUTRANKED = "outranked"  # nothing was wrong; others came first
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class SkipReason:
    """One reason. `retry_class` is the usual one of its level.

    An operator reads `sentence` about a lead, and `clause` after a buyer's name and a colon.
    """

    code: str
    levels: frozenset[Level]
    retry_class: RetryClass
    fixer: Fixer
    sentence: str
    clause: str = ""

    @property
    def label(self) -> str:
        """A few words for a list: "No eligible buyers"."""
        return self.code.replace("_", " ").capitalize()


_LEAD = frozenset({Level.LEAD})
_BUYER = frozenset({Level.BUYER})
_BOTH = _LEAD | _BUYER
_T, _D, _P = RetryClass.TRANSIENT, RetryClass.DEFERRED, RetryClass.PERMANENT
_E = RetryClass.ERROR

_ALL = (
    SkipReason("no_campaign", _LEAD, _P, Fixer.AGENCY, "No active campaign takes this vertical and source."),
    SkipReason("no_enrolled_buyers", _LEAD, _P, Fixer.AGENCY, "No buyer is enrolled in the campaign."),
    SkipReason("no_eligible_buyers", _LEAD, _P, Fixer.AGENCY, "No enrolled buyer could take this lead."),
    SkipReason(
        "no_eligible_buyers_after_tier_filters",
        _LEAD,
        _P,
        Fixer.AGENCY,
        "Every buyer that was left is behind a filter which this lead does not pass.",
    ),
    SkipReason(
        "all_buyers_capped", _LEAD, _D, Fixer.BUYER, "Every buyer that was left has reached a cap or budget."
    ),
    SkipReason(
        "all_buyers_outside_hours", _LEAD, _D, Fixer.BUYER, "Every buyer that was left is outside its hours."
    ),
    SkipReason("outside_workspace_hours", _LEAD, _D, Fixer.AGENCY, "The workspace is outside its hours."),
    SkipReason("outside_campaign_hours", _LEAD, _D, Fixer.AGENCY, "The campaign is outside its hours."),
    SkipReason(
        "insufficient_credits",
        _BOTH,
        _P,
        Fixer.BUYER,
        "No buyer that was left has enough credits.",
        "its balance is too low",
    ),
    SkipReason("tier_lock_contention", _LEAD, _T, Fixer.SYSTEM, "All candidates were busy with other leads."),
    SkipReason("database_timeout", _LEAD, _T, Fixer.SYSTEM, "The database did not grant a lock in time."),
    SkipReason("worker_lost", _LEAD, _P, Fixer.SYSTEM, "Workers were lost again and again while trying it."),
    SkipReason("lock_expired", _LEAD, _E, Fixer.SYSTEM, "The work outside did not end in time."),
    SkipReason(
        "internal_error", _LEAD, _E, Fixer.SYSTEM, "The product failed while deciding; nothing was charged."
    ),
    SkipReason("lead_expired", _LEAD, _P, Fixer.LEAD, "The lead's time to live was over."),
    SkipReason("duplicate_lead", _LEAD, _P, Fixer.LEAD, "The same person came in before."),
    SkipReason(
        "workspace_paused", _LEAD, _D, Fixer.AGENCY, "The workspace where it is to be sold is paused."
    ),
    SkipReason(
        "enrollment_paused", _BUYER, _P, Fixer.AGENCY, "The enrollment is paused.", "its enrollment is paused"
    ),
    SkipReason("buyer_paused", _BUYER, _P, Fixer.BUYER, "The buyer is paused.", "it is paused"),
    SkipReason(
        "outside_service_area",
        _BUYER,
        _P,
        Fixer.BUYER,
        "The lead is outside the buyer's service area.",
        "outside its service area",
    ),
    SkipReason(
        "onboarding_mismatch",
        _BUYER,
        _P,
        Fixer.BUYER,
        "The onboarding answers do not fit the lead.",
        "its onboarding answers do not fit",
    ),
    SkipReason(
        "lead_filter_rejected",
        _BUYER,
        _P,
        Fixer.AGENCY,
        "A filter rejected the lead.",
        "a filter rejected the lead",
    ),
    SkipReason(
        "outside_buyer_hours", _BUYER, _D, Fixer.BUYER, "The buyer is outside its hours.", "outside its hours"
    ),
    SkipReason(
        "cap_reached", _BUYER, _D, Fixer.BUYER, "A cap or budget is used up.", "a cap or budget is used up"
    ),
    SkipReason(
        "already_has_lead",
        _BUYER,
        _P,
        Fixer.LEAD,
        "The buyer bought this lead before.",
        "it bought this lead before",
    ),
    SkipReason(
        "locked",
        _BUYER,
        _T,
        Fixer.SYSTEM,
        "The buyer was being charged for another lead at that moment.",
        "it was being charged for another lead at that moment",
    ),
    SkipReason(
        "outranked",
        _BUYER,
        _P,
        Fixer.OUTRANKED,
        "Eligible, but other buyers ranked higher.",
        "eligible, but other buyers ranked higher",
    ),
)

SKIP_REASONS = MappingProxyType({reason.code: reason for reason in _ALL})

# What made a lead due again that waited or had failed. It follows "because".
WAKE_CAUSES = MappingProxyType(
    {
        "cap_raised": "a cap or budget was raised",
        "buyer_enrolled": "a buyer was enrolled",
        "enrollment_resumed": "an enrollment was resumed",
        "buyer_resumed": "a buyer was resumed",
        "campaign_resumed": "the campaign was activated",
        "campaign_changed": "the campaign changed",
        "credits_added": "a wallet got credits",
        "credit_limit_raised": "a credit limit was raised",
        "sale_returned": "a buyer returned a lead",
        "area_changed": "a service area changed",
        "answers_changed": "questions or answers changed",
        "filter_changed": "a filter changed",
        "price_changed": "a price changed",
        "hours_changed": "a buyer's hours changed",
        "schedule_changed": "the campaign's hours changed",
        "workspace_hours_changed": "the workspace's hours changed",
        "rule_changed": "a routing rule changed",
    }
)


class UnknownCode(ValueError):
    """A code that the vocabulary does not have, or not at that level."""


def skip_reason(code: str, *, level: Level) -> SkipReason:
    """Return the reason registered for `code` at `level`. Raises UnknownCode."""
    reason = SKIP_REASONS.get(code)
    if reason is None or level not in reason.levels:
        message = f"{code!r} is no {level} level skip reason"
        raise UnknownCode(message)
    return reason


# What intake did to a field instead of refusing the lead: "email could not be read and was left out".
CORRECTIONS = MappingProxyType(
    {
        "dropped": "could not be read and was left out",
        "corrected": "was read in another form than it came",
        "shortened": "was too long and was cut",
        "moved": "came under another name and was kept",
        "assumed": "lacked a part that was assumed",
        "unknown": "is not in the tables and was kept as it came",
    }
)

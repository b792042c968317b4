"""Why a lead, or one buyer, was skipped: one row per reason. Codes are permanent: stored rows have them."""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


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
    OUTRANKED = "outranked"  # nothing was wrong; other buyers ranked higher
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class SkipReason:
    """One reason. `retry_class` is the usual one of its level.

    An operator reads `sentence` about a lead, and `clause` after a buyer's name and a colon: each reason of buyer level
    has one. `change`: what would have to change; IN_GATES or IN_BUYERS if that depends on the failure. `last_change`:
    that instead, once no attempt follows by itself; "" if it is the same.
    """

    code: str
    levels: frozenset[Level]
    retry_class: RetryClass
    fixer: Fixer
    sentence: str
    change: str
    clause: str = ""
    last_change: str = ""

    @property
    def is_system_failure(self) -> bool:
        """Whether LeadSwitch is at fault, and not a setting, a buyer or the lead."""
        return self.fixer is Fixer.SYSTEM

    @property
    def label(self) -> str:
        """A few words for a list: "No eligible buyers"."""
        return self.code.replace("_", " ").capitalize()


_LEAD = frozenset({Level.LEAD})
_BUYER = frozenset({Level.BUYER})
_BOTH = _LEAD | _BUYER
_T, _E, _D, _P = RetryClass.TRANSIENT, RetryClass.ERROR, RetryClass.DEFERRED, RetryClass.PERMANENT
# Each failing gate says what would have to change (tracing/gates.py).
IN_GATES: Final = ""
# Each skipped buyer says it: different buyers may have failed different gates.
IN_BUYERS: Final = ""
# Why a buyer that was shown an offer did not get its lead. They follow from its place in the offer: no event has them.
OF_OFFERS: Final = frozenset(
    {
        *("offer_not_claimed", "claim_lost", "claim_late", "claim_paused", "claim_not_enrolled"),
        *("offer_not_seen", "offer_withdrawn"),
    }
)
RETRIES_USED_UP: Final = "run the lead again: its automatic retries are used up"

_ALL = (
    SkipReason(
        "no_campaign",
        *(_LEAD, _P, Fixer.AGENCY),
        sentence="No active campaign takes this vertical and source.",
        change="add or activate a campaign that takes its vertical and source",
    ),
    SkipReason(
        "no_enrolled_buyers",
        *(_LEAD, _P, Fixer.AGENCY),
        sentence="No buyer is enrolled in the campaign.",
        change="enroll a buyer in the campaign",
    ),
    SkipReason(
        "no_eligible_buyers",
        *(_LEAD, _P, Fixer.AGENCY),
        sentence="No enrolled buyer could take this lead.",
        change=IN_BUYERS,
    ),
    SkipReason(
        "no_eligible_buyers_after_tier_filters",
        *(_LEAD, _P, Fixer.AGENCY),
        sentence="Filters rejected this lead for every remaining buyer.",
        change=IN_BUYERS,
    ),
    SkipReason(
        "all_buyers_capped",
        *(_LEAD, _D, Fixer.BUYER),
        sentence="Every remaining buyer has reached a cap or budget.",
        change=IN_BUYERS,
    ),
    SkipReason(
        "all_buyers_outside_hours",
        *(_LEAD, _D, Fixer.BUYER),
        sentence="Every remaining buyer is outside its hours.",
        change=IN_BUYERS,
    ),
    SkipReason(
        "outside_workspace_hours",
        *(_LEAD, _D, Fixer.AGENCY),
        sentence="The workspace is outside its hours.",
        change="wait until the workspace opens, or widen its hours",
    ),
    SkipReason(
        "outside_campaign_hours",
        *(_LEAD, _D, Fixer.AGENCY),
        sentence="The campaign is outside its hours.",
        change="wait until the campaign opens, or widen its hours",
    ),
    SkipReason(
        "insufficient_credits",
        *(_BOTH, _P, Fixer.BUYER),
        sentence="No remaining buyer has enough credits.",
        change=IN_BUYERS,
        clause="its balance is too low",
    ),
    SkipReason(
        "tier_lock_contention",
        *(_LEAD, _T, Fixer.SYSTEM),
        sentence="All eligible buyers were busy with other leads.",
        change="nothing: it is retried automatically",
        last_change=RETRIES_USED_UP,
    ),
    SkipReason(
        "database_timeout",
        *(_LEAD, _T, Fixer.SYSTEM),
        sentence="The database did not grant a lock in time.",
        change="nothing: it is retried automatically",
        last_change=RETRIES_USED_UP,
    ),
    SkipReason(
        "worker_lost",
        *(_LEAD, _P, Fixer.SYSTEM),
        sentence="Several workers in a row were lost while they ran it.",
        change="find out why the workers stop, then run it again",
    ),
    SkipReason(
        "lock_expired",
        *(_LEAD, _E, Fixer.SYSTEM),
        sentence="External work on it did not finish in time.",
        change="nothing: it is retried automatically, a few times",
        last_change=RETRIES_USED_UP,
    ),
    SkipReason(
        "internal_error",
        *(_LEAD, _E, Fixer.SYSTEM),
        sentence="LeadSwitch failed while deciding; nothing was charged.",
        change="find this attempt in the log; after a few automatic retries an operator must run it again",
        last_change="find this attempt in the log, remove the cause, then run the lead again",
    ),
    SkipReason(
        "lead_expired",
        *(_LEAD, _P, Fixer.LEAD),
        sentence="The lead has expired.",
        change="nothing: it has expired",
    ),
    SkipReason(
        "duplicate_lead",
        *(_LEAD, _P, Fixer.LEAD),
        sentence="An earlier lead for the same person was received.",
        change="nothing while the earlier lead is sold or still open; if it ends without a sale, run this one again",
    ),
    SkipReason(
        "workspace_paused",
        *(_LEAD, _D, Fixer.AGENCY),
        sentence="The workspace where it would be sold is paused.",
        change="resume the workspace",
    ),
    SkipReason(
        "post_deadline_passed",
        *(_LEAD, _P, Fixer.AGENCY),
        sentence="No buyer's system accepted the lead before the campaign's deadline.",
        change="run the lead again, or give buyers more time in the campaign",
    ),
    SkipReason(
        "offer_unclaimed",
        *(_LEAD, _P, Fixer.AGENCY),
        sentence="No buyer claimed the lead while its offer was open.",
        change="run the lead again to offer it again, or choose another fallback in the campaign",
    ),
    SkipReason(
        "no_bids",
        *(_LEAD, _P, Fixer.AGENCY),
        sentence="No buyer bid for the lead.",
        change="ask the buyers why their systems do not bid, or choose another fallback in the campaign",
    ),
    SkipReason(
        "buyers_not_asked",
        *(_LEAD, _T, Fixer.SYSTEM),
        sentence="No buyer was asked for a bid before the auction was over.",
        change="nothing: another auction is opened automatically",
        last_change=RETRIES_USED_UP,
    ),
    SkipReason(
        "below_reserve",
        *(_LEAD, _P, Fixer.AGENCY),
        sentence="No bid reached the campaign's reserve.",
        change="lower the reserve, or choose another fallback in the campaign",
    ),
    SkipReason(
        "promise_ended",
        *(_LEAD, _P, Fixer.AGENCY),
        sentence="The price that the source was promised is no longer promised, and its leads are not sold for less.",
        change="sell it by hand, or let the source's leads be sold at any price once a promise ends",
    ),
    SkipReason(
        "below_promised_price",
        *(_BOTH, _D, Fixer.BUYER),
        sentence="No buyer pays enough for the price that the source was promised.",
        change="a buyer with a higher price; or wait until the promise ends, if the source lets its leads be sold then",
        clause="its price pays the source less than it was promised",
    ),
    SkipReason(
        "enrollment_paused",
        *(_BUYER, _P, Fixer.AGENCY),
        sentence="The enrollment is paused.",
        change=IN_GATES,
        clause="its enrollment is paused",
    ),
    SkipReason(
        "buyer_paused",
        *(_BUYER, _P, Fixer.BUYER),
        sentence="The buyer is paused.",
        change=IN_GATES,
        clause="it is paused",
    ),
    SkipReason(
        "outside_service_area",
        *(_BUYER, _P, Fixer.BUYER),
        sentence="The lead is outside the buyer's service area.",
        change=IN_GATES,
        clause="outside its service area",
    ),
    SkipReason(
        "onboarding_mismatch",
        *(_BUYER, _P, Fixer.BUYER),
        sentence="The onboarding answers do not match the lead.",
        change=IN_GATES,
        clause="its onboarding answers do not match",
    ),
    SkipReason(
        "lead_filter_rejected",
        *(_BUYER, _P, Fixer.AGENCY),
        sentence="A filter rejected the lead.",
        change=IN_GATES,
        clause="a filter rejected the lead",
    ),
    SkipReason(
        "outside_buyer_hours",
        *(_BUYER, _D, Fixer.BUYER),
        sentence="The buyer is outside its hours.",
        change=IN_GATES,
        clause="outside its hours",
    ),
    SkipReason(
        "cap_reached",
        *(_BUYER, _D, Fixer.BUYER),
        sentence="A cap or budget is used up.",
        change=IN_GATES,
        clause="a cap or budget is used up",
    ),
    SkipReason(
        "already_has_lead",
        *(_BUYER, _P, Fixer.LEAD),
        sentence="The buyer bought this lead before.",
        change=IN_GATES,
        clause="it bought this lead before",
    ),
    SkipReason(
        "rejected_lead",
        *(_BOTH, _P, Fixer.BUYER),
        sentence="The buyer's system rejected this lead.",
        change=IN_GATES,
        clause="its system rejected this lead",
    ),
    SkipReason(
        "locked",
        *(_BUYER, _T, Fixer.SYSTEM),
        sentence="The buyer was being charged for another lead at that moment.",
        change="nothing: the next attempt tries it again",
        clause="it was being charged for another lead at that moment",
        last_change="run the lead again: the buyer was busy only for that moment",
    ),
    SkipReason(
        "outranked",
        *(_BUYER, _P, Fixer.OUTRANKED),
        sentence="The buyer was eligible, but other buyers ranked higher.",
        change="rank higher: by turn, weight, priority or bid, depending on the campaign's mode",
        clause="eligible, but other buyers ranked higher",
    ),
    SkipReason(
        "outbid",
        *(_BUYER, _P, Fixer.BUYER),
        sentence="The buyer bid, but other bids ranked higher.",
        change="bid more",
        clause="other bids ranked higher",
    ),
    SkipReason(
        "no_bid",
        *(_BUYER, _P, Fixer.BUYER),
        sentence="The buyer made no bid for the lead.",
        change="bid for leads like this one, by its system or a standing bid",
        clause="it made no bid",
    ),
    SkipReason(
        "bid_late",
        *(_BUYER, _P, Fixer.BUYER),
        sentence="The buyer's system did not answer before the auction closed.",
        change="answer within the bid deadline of the campaign, or have a standing bid",
        clause="its system did not answer in time",
    ),
    SkipReason(
        "bid_not_asked",
        *(_BUYER, _T, Fixer.SYSTEM),
        sentence="The buyer's system was not asked for a bid before the auction closed.",
        change="nothing: it is asked in the next auction",
        clause="its system was not asked for a bid",
        last_change="run the lead again to ask it; if that happens often, run more deliverers, or allow its ping"
        " endpoint more requests at once",
    ),
    SkipReason(
        "bid_unknown",
        *(_BUYER, _T, Fixer.SYSTEM),
        sentence="No answer of the buyer's system is known, because LeadSwitch was interrupted.",
        change="nothing: it is asked in the next auction",
        clause="no answer of its system is known, because LeadSwitch was interrupted",
        last_change="run the lead again to ask it",
    ),
    SkipReason(
        "bid_below_reserve",
        *(_BUYER, _P, Fixer.BUYER),
        sentence="The buyer's bid was below the campaign's reserve.",
        change="bid at least the reserve",
        clause="its bid was below the reserve",
    ),
    SkipReason(
        "offer_not_claimed",
        *(_BUYER, _P, Fixer.BUYER),
        sentence="The buyer was shown the lead and did not claim it.",
        change="claim leads like this one while their offers are open",
        clause="it was shown the lead and did not claim it",
    ),
    SkipReason(
        "claim_lost",
        *(_BUYER, _P, Fixer.BUYER),
        sentence="Other buyers claimed the lead before this buyer did.",
        change="claim sooner",
        clause="other buyers claimed the lead first",
    ),
    SkipReason(
        "claim_late",
        *(_BUYER, _P, Fixer.BUYER),
        sentence="The buyer claimed the lead after its offer had closed.",
        change="claim before the offer closes",
        clause="it claimed the lead after the offer had closed",
    ),
    SkipReason(
        "claim_paused",
        *(_BUYER, _P, Fixer.AGENCY),
        sentence="Selling was paused when the buyer claimed the lead.",
        change="keep the campaign and the workspace active while offers are open",
        clause="selling was paused when it claimed the lead",
    ),
    SkipReason(
        "claim_not_enrolled",
        *(_BUYER, _P, Fixer.AGENCY),
        sentence="The buyer was no longer enrolled when it claimed the lead.",
        change="enroll the buyer in the campaign again",
        clause="it was no longer enrolled when it claimed the lead",
    ),
    SkipReason(
        "offer_not_seen",
        *(_BUYER, _P, Fixer.AGENCY),
        sentence="The offer ended before the buyer's tier saw it.",
        change="shorten the head start of earlier tiers, or move the buyer to an earlier tier",
        clause="the offer ended before its tier saw it",
    ),
    SkipReason(
        "offer_withdrawn",
        *(_BUYER, _P, Fixer.AGENCY),
        sentence="The lead was canceled, sold by hand or expired during the offer, or its campaign was turned off.",
        change="nothing: the offer was withdrawn",
        clause="the lead was canceled, sold by hand or expired during the offer, or its campaign was turned off",
    ),
)

SKIP_REASONS = MappingProxyType({reason.code: reason for reason in _ALL})


class UnknownCode(ValueError):
    """There is no such reason, or not at that level."""


def find_skip_reason(code: str, *, level: Level) -> SkipReason:
    """Return the reason registered for `code` at `level`. Raises UnknownCode."""
    reason = SKIP_REASONS.get(code)
    if reason is None or level not in reason.levels:
        message = f"{code!r} is not a skip reason of {level} level"
        raise UnknownCode(message)
    return reason

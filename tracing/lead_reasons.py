"""Why a lead was not sold: one row per reason. Codes are permanent: stored rows have them."""

from typing import Final

from tracing.reason_types import (
    IN_BUYERS,
    OF_BOTH,
    OF_LEAD,
    RETRIES_USED_UP,
    Fixer,
    RetryClass,
    SkipReason,
)

LEAD_REASONS: Final = (
    SkipReason(
        "no_campaign",
        *(OF_LEAD, RetryClass.PERMANENT, Fixer.AGENCY),
        sentence="No active campaign takes this vertical and source.",
        change="add or activate a campaign that takes its vertical and source",
    ),
    SkipReason(
        "no_enrolled_buyers",
        *(OF_LEAD, RetryClass.PERMANENT, Fixer.AGENCY),
        sentence="No buyer is enrolled in the campaign.",
        change="enroll a buyer in the campaign",
    ),
    SkipReason(
        "no_eligible_buyers",
        *(OF_LEAD, RetryClass.PERMANENT, Fixer.AGENCY),
        sentence="No enrolled buyer could take this lead.",
        change=IN_BUYERS,
    ),
    SkipReason(
        "no_eligible_buyers_after_tier_filters",
        *(OF_LEAD, RetryClass.PERMANENT, Fixer.AGENCY),
        sentence="Filters rejected this lead for every remaining buyer.",
        change=IN_BUYERS,
    ),
    SkipReason(
        "all_buyers_capped",
        *(OF_LEAD, RetryClass.DEFERRED, Fixer.BUYER),
        sentence="Every remaining buyer has reached a cap or budget.",
        change=IN_BUYERS,
    ),
    SkipReason(
        "all_buyers_outside_hours",
        *(OF_LEAD, RetryClass.DEFERRED, Fixer.BUYER),
        sentence="Every remaining buyer is outside its hours.",
        change=IN_BUYERS,
    ),
    SkipReason(
        "outside_workspace_hours",
        *(OF_LEAD, RetryClass.DEFERRED, Fixer.AGENCY),
        sentence="The workspace is outside its hours.",
        change="wait until the workspace opens, or widen its hours",
    ),
    SkipReason(
        "outside_campaign_hours",
        *(OF_LEAD, RetryClass.DEFERRED, Fixer.AGENCY),
        sentence="The campaign is outside its hours.",
        change="wait until the campaign opens, or widen its hours",
    ),
    SkipReason(
        "insufficient_credits",
        *(OF_BOTH, RetryClass.PERMANENT, Fixer.BUYER),
        sentence="No remaining buyer has enough credits.",
        change=IN_BUYERS,
        clause="its balance is too low",
    ),
    SkipReason(
        "tier_lock_contention",
        *(OF_LEAD, RetryClass.TRANSIENT, Fixer.SYSTEM),
        sentence="All eligible buyers were busy with other leads.",
        change="nothing: it is retried automatically",
        last_change=RETRIES_USED_UP,
    ),
    SkipReason(
        "database_timeout",
        *(OF_LEAD, RetryClass.TRANSIENT, Fixer.SYSTEM),
        sentence="The database did not grant a lock in time.",
        change="nothing: it is retried automatically",
        last_change=RETRIES_USED_UP,
    ),
    SkipReason(
        "worker_lost",
        *(OF_LEAD, RetryClass.PERMANENT, Fixer.SYSTEM),
        sentence="Several workers in a row were lost while they ran it.",
        change="find out why the workers stop, then run it again",
    ),
    SkipReason(
        "lock_expired",
        *(OF_LEAD, RetryClass.ERROR, Fixer.SYSTEM),
        sentence="External work on it did not finish in time.",
        change="nothing: it is retried automatically, a few times",
        last_change=RETRIES_USED_UP,
    ),
    SkipReason(
        "internal_error",
        *(OF_LEAD, RetryClass.ERROR, Fixer.SYSTEM),
        sentence="LeadSwitch failed while deciding; nothing was charged.",
        change="find this attempt in the log; after a few automatic retries an operator must run it again",
        last_change="find this attempt in the log, remove the cause, then run the lead again",
    ),
    SkipReason(
        "lead_expired",
        *(OF_LEAD, RetryClass.PERMANENT, Fixer.LEAD),
        sentence="The lead has expired.",
        change="nothing: it has expired",
    ),
    SkipReason(
        "duplicate_lead",
        *(OF_LEAD, RetryClass.PERMANENT, Fixer.LEAD),
        sentence="An earlier lead for the same person was received.",
        change="nothing while the earlier lead is sold or still open; if it ends without a sale, run this one again",
    ),
    SkipReason(
        "workspace_paused",
        *(OF_LEAD, RetryClass.DEFERRED, Fixer.AGENCY),
        sentence="The workspace where it would be sold is paused.",
        change="resume the workspace",
    ),
    SkipReason(
        "post_deadline_passed",
        *(OF_LEAD, RetryClass.PERMANENT, Fixer.AGENCY),
        sentence="No buyer's system accepted the lead before the campaign's deadline.",
        change="run the lead again, or give buyers more time in the campaign",
    ),
    SkipReason(
        "offer_unclaimed",
        *(OF_LEAD, RetryClass.PERMANENT, Fixer.AGENCY),
        sentence="No buyer claimed the lead while its offer was open.",
        change="run the lead again to offer it again, or choose another fallback in the campaign",
    ),
    SkipReason(
        "no_bids",
        *(OF_LEAD, RetryClass.PERMANENT, Fixer.AGENCY),
        sentence="No buyer bid for the lead.",
        change="ask the buyers why their systems do not bid, or choose another fallback in the campaign",
    ),
    SkipReason(
        "buyers_not_asked",
        *(OF_LEAD, RetryClass.TRANSIENT, Fixer.SYSTEM),
        sentence="No buyer was asked for a bid before the auction was over.",
        change="nothing: another auction is opened automatically",
        last_change=RETRIES_USED_UP,
    ),
    SkipReason(
        "below_reserve",
        *(OF_LEAD, RetryClass.PERMANENT, Fixer.AGENCY),
        sentence="No bid reached the campaign's reserve.",
        change="lower the reserve, or choose another fallback in the campaign",
    ),
    SkipReason(
        "promise_ended",
        *(OF_LEAD, RetryClass.PERMANENT, Fixer.AGENCY),
        sentence="The price that the source was promised is no longer promised, and its leads are not sold for less.",
        change="sell it by hand, or let the source's leads be sold at any price once a promise ends",
    ),
    SkipReason(
        "below_promised_price",
        *(OF_BOTH, RetryClass.DEFERRED, Fixer.BUYER),
        sentence="No buyer pays enough for the price that the source was promised.",
        change="a buyer with a higher price; or wait until the promise ends, if the source lets its leads be sold then",
        clause="its price pays the source less than it was promised",
    ),
)

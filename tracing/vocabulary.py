"""The words of the trace: its events, what made a lead due again, what intake corrected. Codes are permanent."""

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
    DELIVERY_STARTED = "delivery_started"
    DELIVERY_ACCEPTED = "delivery_accepted"
    DELIVERY_REJECTED = "delivery_rejected"
    GATED_FOR_VERIFICATION = "gated_for_verification"
    PING_POST_OPENED = "ping_post_opened"
    PING_POST_CLAIMED = "ping_post_claimed"
    PING_POST_CLOSED = "ping_post_closed"
    AUCTION_OPENED = "auction_opened"
    BID_RECEIVED = "bid_received"
    AUCTION_CLOSED = "auction_closed"


@dataclass(frozen=True, slots=True)
class EventShape:
    """What a row of the event contains: the keys of its `data`, and whether it has a buyer.

    `results`: those of the attempts that it may close; empty if it closes none.
    """

    required: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    results: frozenset[str] = frozenset()
    is_of_buyer: bool = False


EVENT_SHAPES = MappingProxyType(
    {
        Event.DISTRIBUTION_STARTED: EventShape(
            required=frozenset({"number", "trigger"}),
            optional=frozenset({"intake", "woken_by", "change", "is_test"}),
        ),
        Event.ROUTED: EventShape(required=frozenset({"rule", "from", "to"})),
        Event.CAMPAIGN_RESOLVED: EventShape(required=frozenset({"campaign_id", "config_version"})),
        Event.PRICING_COMPUTED: EventShape(required=frozenset({"tiers"})),
        Event.BUYER_POOL_COMPOSED: EventShape(required=frozenset({"zip", "funnel"})),
        Event.BUYER_SKIPPED: EventShape(
            required=frozenset({"enrollment_id", "gates"}),
            optional=frozenset({"rank", "rank_key", "outcome", "bid_cents", "reserve_cents"}),
            is_of_buyer=True,
        ),
        Event.BUYER_SELECTED: EventShape(
            required=frozenset({"enrollment_id", "tier_id", "rank", "rank_key"}),
            optional=frozenset({"overridden"}),
            is_of_buyer=True,
        ),
        Event.DISTRIBUTED: EventShape(
            required=frozenset({"buyers"}),
            optional=frozenset({"ended_by", "lost_workers", "is_test"}),
            results=frozenset({"success"}),
        ),
        Event.FAILED: EventShape(
            required=frozenset({"due_at"}),
            optional=frozenset({"emptied_by", "first_lead_id", "cause", "lost_workers"}),
            results=frozenset({"unsold", "deferred", "retry", "failed", "duplicate", "expired", "rejected"}),
        ),
        # The money is held until the buyer's system answers. Its answer is an attempt of its own.
        Event.DELIVERY_STARTED: EventShape(
            required=frozenset({"assignment", "deadline_at"}),
            optional=frozenset({"is_test"}),
            results=frozenset({"posting"}),
            is_of_buyer=True,
        ),
        Event.DELIVERY_ACCEPTED: EventShape(
            required=frozenset({"assignment"}),
            optional=frozenset({"held_cents", "is_test"}),
            is_of_buyer=True,
        ),
        Event.DELIVERY_REJECTED: EventShape(
            required=frozenset({"assignment", "reason"}), optional=frozenset({"is_test"}), is_of_buyer=True
        ),
        # `needed`: what the campaign asks. `consents`: the kinds of proof of consent that the lead has.
        Event.GATED_FOR_VERIFICATION: EventShape(
            required=frozenset({"verification", "needed", "consents"}),
            optional=frozenset({"consent_kind"}),
            results=frozenset({"gated"}),
        ),
        # `shown`: buyer, enrollment, price and time of each buyer. A claim is an attempt of its own.
        Event.PING_POST_OPENED: EventShape(
            required=frozenset({"offer", "closes_at", "max_buyers", "fields", "shown"}),
            optional=frozenset({"withheld", "is_test"}),
            results=frozenset({"offered"}),
        ),
        Event.PING_POST_CLAIMED: EventShape(
            required=frozenset({"offer", "assignment", "after_ms"}),
            optional=frozenset({"is_test"}),
            is_of_buyer=True,
        ),
        # `losers`: buyer, reason and lateness of each claim that was refused before.
        Event.PING_POST_CLOSED: EventShape(
            required=frozenset({"offer", "reason", "claims"}), optional=frozenset({"losers", "is_test"})
        ),
        # `shown`: buyer, enrollment, the price of its gates, whether it is asked, and its standing bid.
        Event.AUCTION_OPENED: EventShape(
            required=frozenset({"offer", "deadline_ms", "max_buyers", "fields", "shown"}),
            optional=frozenset({"withheld", "is_test"}),
            results=frozenset({"offered"}),
        ),
        # One for each buyer of the auction. `answered`: what its system did, if its standing bid counts instead.
        Event.BID_RECEIVED: EventShape(
            required=frozenset({"offer", "outcome"}),
            optional=frozenset({"bid_cents", "answered", "latency_ms", "waited_ms", "rank", "reason"}),
            is_of_buyer=True,
        ),
        Event.AUCTION_CLOSED: EventShape(
            required=frozenset({"offer", "reason"}), optional=frozenset({"is_test"})
        ),
    }
)
# The results of the attempts that a terminal event can close. Exactly one terminal event closes an attempt.
RESULTS_OF_TERMINAL = MappingProxyType(
    {event: shape.results for event, shape in EVENT_SHAPES.items() if shape.results}
)
TERMINAL_EVENTS = frozenset(RESULTS_OF_TERMINAL)

# The results of attempts and events in words.
RESULTS = MappingProxyType(
    {
        "success": "sold",
        "unsold": "not sold",
        "deferred": "not sold now",
        "retry": "not sold yet",
        "failed": "failed",
        "duplicate": "a duplicate",
        "gated": "waiting for verification",
        "offered": "offered to buyers",
        "expired": "expired",
        "posting": "waiting for a buyer's system",
        "rejected": "rejected by the buyer's system",
    }
)

# What made a waiting or failed lead due again. It follows "because".
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
        "sale_rejected": "a buyer's system rejected a lead",
        "resale": "the buyer that had this lead returned it",
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

# What intake did to a field instead of refusing the lead: "email could not be read and was left out".
CORRECTIONS = MappingProxyType(
    {
        "dropped": "could not be read and was left out",
        "corrected": "was converted to the standard form",
        "shortened": "was too long and was cut",
        "moved": "was sent under another name and was stored",
        "assumed": "was missing a part, which was assumed",
        "unknown": "is not in the tables and was stored unchanged",
        "test": "shows that this is a test lead",
    }
)
# The sender chose the name of such a field, so the trace does not have it.
STORED_AS_ATTRIBUTE = "an unknown field was stored as an attribute (its name is not recorded)"


def describe_correction(name: str, code: str) -> str:
    """ "email could not be read and was left out"."""
    if (name, code) == ("attributes", "moved"):
        return STORED_AS_ATTRIBUTE
    return f"{name} {CORRECTIONS.get(code, code)}"

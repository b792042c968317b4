"""The input and output of a decision: values without behavior.

They have no personal data. A lead consists of its location and the fields that conditions and areas read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

JsonObject = dict[str, Any]
Usage = tuple[datetime, int, int]  # starts_at, leads, spent_cents

PushMode = Literal["round_robin", "weighted", "priority", "price"]
Mode = PushMode | Literal["ping_post", "auction"]
# What a decision is for: to sell at once, to show an offer, to check a claim of an offer, to rank bids.
Phase = Literal["push", "offer", "claim", "bids"]
OfferFallback = Literal["push", "next_campaign", "unsold"]
SellsOn = Literal["decision", "acceptance"]
Outcome = Literal["sold", "unsold", "contention", "sold_out", "offered", "gated"]
# What a campaign asks before it sells: nothing, that the person is verified, or that unless there is proof of consent.
Needed = Literal["none", "required", "unless_consent"]
UnverifiedEnd = Literal["fail", "sell", "person"]
ConsentKind = Literal["given_at", "token"]
Pays = Literal["fixed", "share", "nothing"]
RetryClass = Literal["transient", "deferred", "permanent"]


class FactsError(Exception):
    """The facts do not belong to this campaign."""


class OtherEngine(FactsError):
    """Another version of the engine decided on these facts. This version may decide differently."""


class NotRepeatable(Exception):
    """A recorded decision cannot be replayed: its facts or snapshot are missing or unreadable. The message says why."""


@dataclass(frozen=True, slots=True)
class LeadFacts:
    """`verification`: how the person was verified, or why nobody asks for that; "" if neither. `consents`: the kinds
    of proof of consent that the lead has. Only a campaign that asks for a verification has these two.
    """

    fields: Mapping[str, Any]
    latitude: float | None = None
    longitude: float | None = None
    sold_count: int = 0
    verification: str = ""
    consents: tuple[str, ...] = ()


@dataclass(
    slots=True
)  # never changed, but not frozen: a lead needs a thousand, and frozen ones take five times as long
class LiveFacts:
    """What changes with every sale, for one enrollment and its buyer's wallet."""

    balance_cents: int = 0
    held_cents: int = 0
    credit_limit_cents: int = 0
    usage: Mapping[str, Usage] = field(default_factory=dict)
    last_assigned_at: datetime | None = None
    virtual_finish: int = 0
    has_lead: bool = False
    rejection: str | None = None  # the reason with which the buyer's system rejected the lead; "" without one
    bid_cents: int | None = None  # the price that the buyer was shown in an offer, or bids
    bid_at: datetime | None = None
    bid_outcome: str = ""  # what became of the buyer in an auction: BidOutcome, not_asked or unknown
    returned_bps: int = 0  # the share of its leads that the buyer returned lately, in hundredths of a percent


@dataclass(frozen=True, slots=True)
class Terms:
    """What the contract of a source pays for a lead. `amount`: cents if fixed, basis points if a share."""

    pays: Pays
    amount: int = 0


@dataclass(frozen=True, slots=True)
class Promise:
    """The price that the source was promised. `is_last`: the lead ends with it, and is not sold for less afterwards."""

    price_cents: int
    terms: Terms
    ends_at: datetime
    is_last: bool = False


@dataclass(frozen=True, slots=True)
class DecisionFacts:
    """Everything a decision depends on besides the campaign.

    `locked`: enrollments that another lead holds. `chosen`: the enrollment that a person sells the lead to. It may fail
    overridable gates. `claimant`: the enrollment whose claim of an offer is checked. The facts have no other.
    `promise`: of a lead with a ping, unless it is partly sold.
    """

    lead: LeadFacts
    live: Mapping[int, LiveFacts]
    at: datetime
    seed: int
    locked: frozenset[int] = frozenset()
    chosen: int | None = None
    phase: Phase = "push"
    claimant: int | None = None
    promise: Promise | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    enrollment_id: int
    buyer_id: int
    tier_id: int
    price_cents: int
    rank: int
    rank_key: tuple[int, ...]
    new_virtual_finish: int
    overridden: tuple[str, ...] = ()  # the gates that a person overrode


@dataclass(frozen=True, slots=True)
class Offered:
    """A buyer that is shown an offer, what a claim costs it, and how long after the others it sees the offer.

    `standing_cents`: what it bids in an auction without being asked. None: nothing, and in offers that are claimed.
    """

    enrollment_id: int
    buyer_id: int
    tier_position: int
    price_cents: int
    head_start_seconds: int
    standing_cents: int | None = None


@dataclass(slots=True)  # as above
class Skip:
    """Why one enrollment did not get the lead. `gates` has every failing gate. The first gives the reason."""

    enrollment_id: int
    buyer_id: int
    reason: str
    gates: tuple[JsonObject, ...]
    price_cents: int
    data: JsonObject


@dataclass(frozen=True, slots=True)
class TierPrice:
    """The price of a tier before bids, and the price rules that were applied, in order."""

    tier_id: int
    base_cents: int
    price_cents: int
    applied: tuple[JsonObject, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    reason: str
    retry_class: RetryClass
    retry_at: datetime | None = None
    emptied_by: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """`ranking`: the eligible enrollments, best first, selected or not. Candidates are locked in this order.

    `offered`: the buyers that are shown an offer, by tier. Then nobody is selected.
    """

    outcome: Outcome
    selected: tuple[Selection, ...]
    skipped: tuple[Skip, ...]
    ranking: tuple[int, ...]
    funnel: tuple[tuple[str, int], ...]
    prices: tuple[TierPrice, ...]
    verdict: Verdict | None
    offered: tuple[Offered, ...] = ()


@dataclass(frozen=True, slots=True)
class CampaignHead:
    """What is needed to choose a campaign for a lead. None (or an empty vertical) matches every lead."""

    id: int
    source_id: int | None
    vertical: str | None
    priority: int


def unreadable(gate: str, problem: str) -> JsonObject:
    """Return the failure of a part that does not compile. It affects only its owner, and no lead passes it."""
    return {
        "gate": gate,
        "required": "a definition that can be read",
        "observed": problem,
        "fixed_at": None,
        "problem": problem,
    }

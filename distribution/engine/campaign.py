"""A campaign that is ready for decisions: its conditions, areas, hours and limits are compiled."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from distribution.engine.area import Area
from distribution.engine.types import ConsentKind, JsonObject, Mode, Needed, OfferFallback, PushMode, SellsOn
from routing.calendar.hours import Hours
from routing.calendar.windows import WindowKind
from routing.conditions import Condition


@dataclass(frozen=True, slots=True)
class PriceRule:
    """Percent is the exact ratio numerator / denominator; for cents the numerator is the amount."""

    position: int
    when: Condition
    kind: Literal["set_cents", "add_cents", "percent"]
    amount: Any
    numerator: int
    denominator: int


@dataclass(frozen=True, slots=True, eq=False)
class Filter:
    """A condition with the sentence that names it. Compared by identity, so it can key a memo."""

    condition: Condition
    required: str
    problem: str | None = None  # why it cannot be read; it then accepts no lead


@dataclass(frozen=True, slots=True, eq=False)
class CompiledTier:
    id: int
    position: int
    content_filter: Filter | None
    price_cents: int | None
    head_start_seconds: int = 0  # how long after an offer opens its buyers see it


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """One onboarding answer as a condition on the lead. `may_be_open`: an unanswered question restricts nothing."""

    key: str
    field: str
    op: str
    answer: Any
    condition: Condition
    may_be_open: bool


@dataclass(frozen=True, slots=True, eq=False)
class Onboarding:
    """A buyer's answers. `unanswered`: keys of questions that fail every lead.

    Such a question is required and unanswered, or its answer does not fit its operator.
    """

    questions: tuple[Question, ...]
    unanswered: tuple[str, ...]
    problem: str | None = None  # why the answers cannot be read; they then fit no lead


@dataclass(frozen=True, slots=True, eq=False)
class Calendar:
    """Opening hours in one time zone, shared by all buyers with the same hours."""

    definition: JsonObject
    timezone: str
    hours: Hours
    problem: str | None = None  # why they cannot be read; they are then never open


@dataclass(frozen=True, slots=True)
class WindowSlot:
    """A cap window of one time zone; `index` is its place in `CompiledCampaign.window_slots`."""

    index: int
    window: WindowKind
    timezone: str


@dataclass(frozen=True, slots=True)
class Limit:
    """The maximum leads and cents in one window; None: no limit."""

    slot: WindowSlot
    leads: int | None
    cents: int | None


@dataclass(frozen=True, slots=True)
class StandingBid:
    """What a buyer bids for leads that meet a condition."""

    when: Condition
    cents: int


@dataclass(frozen=True, slots=True)
class Pause:
    """Of an enrollment or a buyer. `until`: it ends by itself; None: somebody must end it.

    `by`: buyer or agency; None in snapshots of earlier versions.
    """

    until: datetime | None
    by: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class CompiledEnrollment:
    """A buyer in a tier."""

    id: int
    buyer_id: int
    tier: CompiledTier
    tier_index: int
    weight: int
    priority: int
    bid_cents: int | None
    timezone: str
    caps: JsonObject
    budgets: JsonObject
    enrollment_pause: Pause | None
    buyer_pause: Pause | None
    area: Area
    onboarding: Onboarding | None
    lead_filter: Filter | None
    calendar: Calendar | None
    limits: tuple[Limit, ...]
    margin_bps: int | None = None  # instead of the auction's
    standing_bids: tuple[StandingBid, ...] = ()

    @property
    def tier_id(self) -> int:
        return self.tier.id


@dataclass(frozen=True, slots=True)
class OfferTerms:
    """How the campaign offers a lead to its buyers before, or instead of, selling it at once.

    `fields`: the fields of the lead that buyers are shown. `fallback`: what follows an offer that nobody claimed.
    `fallback_mode`: how a push after the offer ranks.
    """

    seconds: int = 60
    fields: tuple[str, ...] = ()
    fallback: OfferFallback = "push"
    fallback_mode: PushMode = "round_robin"


@dataclass(frozen=True, slots=True)
class AuctionTerms:
    """What the engine ranks bids by, and how long buyers may bid."""

    bid_deadline_ms: int = 1_000
    reserve_cents: int | None = None
    margin_bps: int = 0
    penalizes_returns: bool = False


@dataclass(frozen=True, slots=True)
class VerificationTerms:
    """Whether a person must be verified before the lead is sold, and what an unverified one costs instead."""

    needed: Needed = "none"
    consent_kind: ConsentKind = "token"
    sells_unverified: bool = False
    unverified_percent: int = 100


@dataclass(frozen=True, slots=True, eq=False)
class CompiledCampaign:
    """`fields`: every lead field that a condition, question or area reads. Facts have only those.

    `recent_windows` is a memo of context.py that changes no decision. Without it, finding the windows took a third of a
    decision over ten buyers.
    """

    id: int
    config_version: int
    mode: Mode
    price_cents: int
    max_buyers: int
    sells_on: SellsOn
    post_deadline_seconds: int
    schedule: Calendar | None
    price_rules: tuple[PriceRule, ...]
    tiers: tuple[CompiledTier, ...]
    enrollments: tuple[CompiledEnrollment, ...]
    by_enrollment_id: dict[int, CompiledEnrollment]
    window_slots: tuple[WindowSlot, ...]
    fields: frozenset[str]
    recent_windows: dict[int, tuple[datetime, datetime]] = field(default_factory=dict)
    offer: OfferTerms = OfferTerms()
    auction: AuctionTerms = AuctionTerms()
    verification: VerificationTerms = VerificationTerms()

    @property
    def push_mode(self) -> PushMode:
        """How it ranks buyers when it sells at once."""
        if self.mode == "ping_post" or self.mode == "auction":
            return self.offer.fallback_mode
        return self.mode

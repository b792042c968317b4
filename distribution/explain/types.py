"""The explanation of a lead as plain frozen values, which the API, the command and the admin all show.

Buyers and campaigns have a public id and a name. Internal ids are never shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from tracing import wording
from tracing.obstacles import Obstacle


@dataclass(frozen=True, slots=True)
class Participant:
    """A buyer or a campaign. `public_id` is None if it was deleted or is not in the lead's workspace."""

    public_id: UUID | None
    name: str


@dataclass(frozen=True, slots=True)
class LeadHead:
    """The current state of the lead. `campaign` is from its latest decision.

    `source_workspace`: where it came in, if rules routed it from there; "" otherwise.
    """

    public_id: UUID
    workspace: str
    source: str
    source_workspace: str
    vertical: str
    zip: str
    status: str
    status_sentence: str
    campaign: Participant | None
    received_at: datetime
    finished_at: datetime | None
    due_at: datetime | None
    due_reason: str
    due_sentence: str
    reason: str
    reason_sentence: str
    change: str
    fixer: str
    cancel_reason: str
    attempts: int
    is_test: bool


@dataclass(frozen=True, slots=True)
class TracedSale:
    """One sale of the lead to a buyer. `sold_at` None: the buyer's system has not accepted it."""

    assignment_id: UUID
    buyer: Participant
    price_cents: int
    state: str
    sold_at: datetime | None
    returned_at: datetime | None
    sentence: str
    is_test: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One event of an attempt. Events of buyers are BuyerRows. `elapsed_ms`: since the attempt began."""

    seq: int
    event: str
    sentence: str
    elapsed_ms: float | None


@dataclass(frozen=True, slots=True)
class BuyerRow:
    """The result of an attempt for one enrolled buyer."""

    seq: int
    buyer: Participant
    outcome: str
    reason: str
    sentence: str
    price_cents: int | None
    gates: tuple[Obstacle, ...]
    change: str
    fixer: str

    @property
    def is_left_out(self) -> bool:
        """Whether it was not in the auction that the attempt closed. See LEFT_OUT in distribution.explain.decisive."""
        return self.reason == "no_bid" and not self.change


@dataclass(frozen=True, slots=True)
class FunnelStage:
    stage: str
    remaining: int


@dataclass(frozen=True, slots=True)
class AttemptExplanation:
    attempt_id: UUID
    number: int
    trigger: str
    result: str
    reason: str
    headline: str
    campaign: Participant | None
    config_version: int | None
    started_at: datetime
    finished_at: datetime
    duration_ms: float
    due_at: datetime | None
    funnel: tuple[FunnelStage, ...]
    steps: tuple[Step, ...]
    buyers: tuple[BuyerRow, ...]


@dataclass(frozen=True, slots=True)
class OfferedBuyer:
    """What one buyer was shown of an offer, and what became of it.

    `claimed_at`, `refused_at`: of its claim. `bought_cents`: what it bought the lead for, by a claim, by its bid or
    after the offer; None if it did not. `late_ms`: by how much the refused claim was late. `reason`: why it did not get
    the lead; blank if it bought it or still may.
    """

    buyer: Participant
    tier: int
    price_cents: int | None
    shown_from: datetime
    claimed_at: datetime | None
    bought_cents: int | None
    refused_at: datetime | None
    late_ms: int | None
    reason: str
    sentence: str
    change: str
    fixer: str


@dataclass(frozen=True, slots=True)
class TracedOffer:
    """An offer or auction that an attempt opened. `attempt`: its number. `ended_at` None: it is open."""

    offer_id: UUID
    kind: str
    attempt: int
    opened_at: datetime
    closes_at: datetime
    ended_at: datetime | None
    end_reason: str
    buyers: tuple[OfferedBuyer, ...]


@dataclass(frozen=True, slots=True)
class TracedCall:
    """One call to the person. `id`: of its row. `outcome`: blank until it has ended. `channel`: blank for sources.

    `number`: the try. A call that was not placed is none: the next one has its number, and `title` says which it is.
    """

    id: int
    number: int
    title: str
    channel: str
    state: str
    outcome: str
    sentence: str
    placed_at: datetime
    ringing_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    duration_seconds: int | None


@dataclass(frozen=True, slots=True)
class StoryLine:
    """What happened to a verification. `by`: the operator who did it; blank for what nobody did, and for sources.

    `reason`: that the operator gave.
    """

    at: datetime
    code: str
    sentence: str
    by: str
    reason: str = ""

    @property
    def operator(self) -> str:
        """ "olga: spoke to the person"; blank for nobody."""
        return f"{self.by}: {self.reason}" if self.by and self.reason else self.by


@dataclass(frozen=True, slots=True)
class TracedVerification:
    """Why and how the person is verified before the lead is sold.

    `reason`: why there is no call before `due_at`, or why there is none any more. `change`: what would have to change
    for the next call; blank: nothing, or the reader is a source. `next_step`: blank once it has ended. `passes`: what
    would let the lead go on.
    """

    verification_id: UUID
    state: str
    state_sentence: str
    reason: str
    reason_sentence: str
    change: str
    opened_at: datetime
    due_at: datetime | None
    ended_at: datetime | None
    tries: int
    next_step: str
    passes: tuple[str, ...]
    calls: tuple[TracedCall, ...]
    story: tuple[StoryLine, ...]


@dataclass(frozen=True, slots=True)
class AttemptAnswer:
    """Whether one attempt sold the lead to the buyer in question, and if not, why."""

    number: int
    got_it: bool
    reason: str
    sentence: str
    change: str
    fixer: str


@dataclass(frozen=True, slots=True)
class BuyerExplanation:
    """ "Why didn't this buyer get that lead?" """

    buyer: Participant
    got_it: bool
    sentence: str
    attempts: tuple[AttemptAnswer, ...]


@dataclass(frozen=True, slots=True)
class TracedPromise:
    """The price that the source was promised by a ping. `earned_cents`: what its sales earned so far, if there are any.

    `outcome`: sold, waiting or not_sold. `reason`: why it is not sold.
    """

    ping_id: UUID
    price_cents: int
    asked_at: datetime
    ends_at: datetime
    earned_cents: int | None
    outcome: str
    reason: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """`notes`: what is missing from the trace, e.g. attempts whose trace could not be written."""

    lead: LeadHead
    promise: TracedPromise | None
    sales: tuple[TracedSale, ...]
    attempts: tuple[AttemptExplanation, ...]
    offers: tuple[TracedOffer, ...]
    verifications: tuple[TracedVerification, ...]
    notes: tuple[str, ...]
    answer: BuyerExplanation | None


# The API calls every public identifier `id`.
JSON_NAMES: Final = {
    "public_id": "id",
    "attempt_id": "id",
    "assignment_id": "id",
    "offer_id": "id",
    "ping_id": "id",
    "verification_id": "id",
}


def to_json(explanation: Explanation) -> dict[str, Any]:
    """Return the complete explanation as JSON values, with ids and times as text."""
    plain = _plain(explanation)
    assert isinstance(plain, dict)  # noqa: S101 - narrows the type
    return plain


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        named = ((JSON_NAMES.get(each.name, each.name), getattr(value, each.name)) for each in fields(value))
        return {name: _plain(each) for name, each in named}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, datetime):
        return wording.utc(value)
    return str(value) if isinstance(value, UUID) else value

"""What a change would have won, and which missed leads the answer does not cover."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from distribution.explain.missed_attempts import MissedAttempt
from tracing.skip_reasons import SKIP_REASONS

# unreadable: another version of the engine decided, or the buyer was not enrolled. unknown_bid: nobody knows what its
# system would have bid, or the auction would have gone on in another way.
NotReplayed = Literal["unreadable", "unknown_bid"]
# older: than the newest leads that are replayed. time_over: they came last. shown: offers that it did not get.
Why = Literal["older", "time_over", "shown"] | NotReplayed
# The sentences of these reasons are about now.
THEN: Final = {
    "buyer_paused": "The buyer was paused then.",
    "enrollment_paused": "The buyer was paused in the campaign then.",
}


def describe_remaining(reason: str) -> str:
    return THEN.get(reason, SKIP_REASONS[reason].sentence)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Leads that were not decided again, and when they were missed. `leads` None: they were not counted."""

    why: Why
    leads: int | None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class WonLead:
    public_id: UUID
    zip: str
    state: str
    decided_at: datetime
    price_cents: int
    missed_for: str


@dataclass(slots=True)
class Effect:
    """`missed`: leads that were found, up to a limit. `checked`: those that were decided again.

    `remaining`: by skip reason.
    """

    since: datetime
    until: datetime
    missed: int = 0
    checked: int = 0
    not_replayed: Counter[NotReplayed] = field(default_factory=Counter)
    left_out: list[LeftOut] = field(default_factory=list)
    prices_cents: list[int] = field(default_factory=list)
    remaining: Counter[str] = field(default_factory=Counter)
    wins: list[tuple[MissedAttempt, int]] = field(default_factory=list)
    examples: list[WonLead] = field(default_factory=list)

    @property
    def won(self) -> int:
        return len(self.prices_cents)

    @property
    def unreadable(self) -> int:
        return self.not_replayed["unreadable"]

    @property
    def is_partial(self) -> bool:
        """The limits left out leads of the period."""
        return any(each.why in ("older", "time_over") for each in self.left_out)

"""What a change would have won, and which missed leads the answer does not cover."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from distribution.explain.missed_attempts import MissedAttempt

# older: than the newest leads that are replayed. time_over: they came last. unreadable: another version of the engine
# decided, or the buyer was not enrolled.
Why = Literal["older", "time_over", "unreadable"]


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
    unreadable: int = 0
    left_out: list[LeftOut] = field(default_factory=list)
    prices_cents: list[int] = field(default_factory=list)
    remaining: Counter[str] = field(default_factory=Counter)
    wins: list[tuple[MissedAttempt, int]] = field(default_factory=list)
    examples: list[WonLead] = field(default_factory=list)

    @property
    def won(self) -> int:
        return len(self.prices_cents)

    @property
    def is_partial(self) -> bool:
        """The limits left out leads of the period."""
        return any(each.why != "unreadable" for each in self.left_out)

"""What a check finds: bounded examples and exact counts, so that a million breaches need no more room than twenty."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

MAX_EXAMPLES: Final = 20


@dataclass(frozen=True, slots=True)
class Breach:
    """`subject` names a row by its id, never by what it holds of a person."""

    subject: str
    message: str


@dataclass(slots=True)
class Findings:
    """`notes` are worth knowing and no breach."""

    checked: int = 0
    breaches: int = 0
    examples: list[Breach] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, subject: str, message: str) -> None:
        self.breaches += 1
        if len(self.examples) < MAX_EXAMPLES:
            self.examples.append(Breach(subject, message))


@dataclass(frozen=True, slots=True)
class Scope:
    """What is checked: leads from `from_lead` on, as they were at `at`. `tick` is told of every row streamed."""

    from_lead: int
    at: datetime
    tick: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Invariant:
    number: int
    name: str
    sentence: str
    check: Callable[[Scope, Findings], None]

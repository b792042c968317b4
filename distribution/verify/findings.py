"""The findings of a check: a few examples and exact counts, so a million breaches take little memory."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from distribution.verify.slices import Slice, SliceKind
from tracing.wording import count

MAX_EXAMPLES: Final = 20


@dataclass(frozen=True, slots=True)
class Breach:
    """`subject` identifies a row by its id, never by personal data."""

    subject: str
    message: str


class Note(NamedTuple):
    """What is counted but is no breach. Both texts follow the number."""

    singular: str
    plural: str


@dataclass(slots=True)
class Findings:
    checked: int = 0
    breaches: int = 0
    examples: list[Breach] = field(default_factory=list)
    noted: Counter[Note] = field(default_factory=Counter)

    @property
    def notes(self) -> list[str]:
        return [count(number, *note) for note, number in self.noted.items() if number]

    def add(self, subject: str, message: str) -> None:
        self.breaches += 1
        if len(self.examples) < MAX_EXAMPLES:
            self.examples.append(Breach(subject, message))

    def merge(self, other: "Findings") -> None:
        self.checked += other.checked
        self.breaches += other.breaches
        self.examples += other.examples[: MAX_EXAMPLES - len(self.examples)]
        self.noted.update(other.noted)


@dataclass(frozen=True, slots=True)
class Look:
    """One part of a check, which runs on each slice of this kind."""

    kind: SliceKind
    check: Callable[[Slice, Findings], None]


@dataclass(frozen=True, slots=True)
class Invariant:
    number: int
    name: str
    sentence: str
    looks: tuple[Look, ...]

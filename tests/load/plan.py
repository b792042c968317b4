"""The phases of a run, and when each lead starts. Pure: generator and parent derive the same plan from one seed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

POISSON: Final = "poisson"
UNIFORM: Final = "uniform"
ARRIVALS: Final = (POISSON, UNIFORM)
WARM_UP: Final = "warm-up"
SPIKE: Final = "spike"
SUSTAINED: Final = "sustained"
# The aim of the 95th percentile from receipt to decision, for rates up to this many leads a second.
P95_AIMS_MS: Final = ((100, 100.0), (300, 300.0))


@dataclass(frozen=True, slots=True)
class Phase:
    """`rate`: leads a second, planned. A warm-up fills caches and is not judged."""

    name: str
    rate: float
    seconds: float

    @property
    def p95_aim_ms(self) -> float | None:
        """None: there is no aim for this phase."""
        if self.name == WARM_UP:
            return None
        return next((aim for rate, aim in P95_AIMS_MS if self.rate <= rate), None)


@dataclass(frozen=True, slots=True)
class Arrival:
    """One lead: its number, its phase by place, and when it starts, in seconds after the start of the run."""

    number: int
    phase: int
    planned: float


# Each process needs a few leads of each campaign before its statements are prepared.
WARMING: Final = Phase(WARM_UP, 15, 8)
FULL: Final = (
    WARMING,
    Phase("normal", 10, 300),
    Phase(SPIKE, 100, 60),
    Phase(SUSTAINED, 50, 1800),
)
SHORT: Final = (
    WARMING,
    Phase("normal", 10, 10),
    Phase(SPIKE, 100, 10),
    Phase(SUSTAINED, 50, 30),
)


def one_rate(rate: float, seconds: float) -> tuple[Phase, ...]:
    return (WARMING, Phase(f"{rate:g}/s", rate, seconds))


def plan_arrivals(phases: Sequence[Phase], *, arrivals: str, seed: int) -> Iterator[Arrival]:
    """Yield the leads in the order of their planned starts."""
    random = Random(seed)
    number = 0
    starts = 0.0
    for place, phase in enumerate(phases):
        for offset in _offsets(phase, arrivals=arrivals, random=random):
            yield Arrival(number, place, starts + offset)
            number += 1
        starts += phase.seconds


def phase_spans(phases: Sequence[Phase]) -> list[tuple[float, float]]:
    """Return begin and end of each phase, in seconds after the start of the run."""
    spans = []
    begin = 0.0
    for phase in phases:
        spans.append((begin, begin + phase.seconds))
        begin += phase.seconds
    return spans


def _offsets(phase: Phase, *, arrivals: str, random: Random) -> list[float]:
    """Both kinds have exactly as many leads as planned: given its number, a Poisson process has uniform times."""
    count = round(phase.rate * phase.seconds)
    if arrivals == UNIFORM:
        return [place / phase.rate for place in range(count)]
    return sorted(random.random() * phase.seconds for _ in range(count))
